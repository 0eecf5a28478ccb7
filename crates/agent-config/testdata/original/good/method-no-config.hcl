auto_auth {
  method "cert" {
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
