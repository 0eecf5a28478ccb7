auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "file" {
    wrap_ttl = "x"
    config = { path = "/a" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
