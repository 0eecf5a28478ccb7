auto_auth {
  method "kubernetes" {
    wrap_ttl = "5m"
    config = { role = "app" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
