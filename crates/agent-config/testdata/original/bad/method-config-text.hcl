auto_auth {
  method "kubernetes" {
    config = "x"
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
