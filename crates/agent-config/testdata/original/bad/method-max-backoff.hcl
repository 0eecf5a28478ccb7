auto_auth {
  method "kubernetes" {
    max_backoff = "5x"
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
