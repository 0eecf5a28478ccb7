auto_auth {
  method "kubernetes" {
    min_backoff = "5"
    max_backoff = "1d"
    config = { role = "app" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
