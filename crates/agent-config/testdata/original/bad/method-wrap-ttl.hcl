auto_auth {
  method "kubernetes" {
    wrap_ttl = "abc"
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
