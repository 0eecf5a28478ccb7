auto_auth {
  method "kubernetes" {
    wrap_ttl = "5m"
  }
  sink "file" {
    config = { path = "/a" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
