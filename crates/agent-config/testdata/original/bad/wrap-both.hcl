auto_auth {
  method "kubernetes" {
    wrap_ttl = "5m"
  }
  sink "file" {
    wrap_ttl = "5m"
    config = { path = "/a" }
  }
}
