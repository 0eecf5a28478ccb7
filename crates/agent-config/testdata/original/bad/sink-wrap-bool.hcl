auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "file" {
    wrap_ttl = true
    config = { path = "/a" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
