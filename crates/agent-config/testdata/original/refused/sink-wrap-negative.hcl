auto_auth {
  method "kubernetes" {
    config = { role = "app" }
  }
  sink "file" {
    wrap_ttl = "-5m"
    config = { path = "/tmp/token" }
  }
}
