auto_auth {
  method "kubernetes" {
    wrap_ttl = -300
    config = { role = "app" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
