auto_auth {
  method "kubernetes" {
    exit_on_err = "true"
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
