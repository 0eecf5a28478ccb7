auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "file" {
    wrap_ttl = 300
    config = { path = "/z" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
