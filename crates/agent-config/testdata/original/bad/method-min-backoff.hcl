auto_auth {
  method "kubernetes" {
    min_backoff = "abc"
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
