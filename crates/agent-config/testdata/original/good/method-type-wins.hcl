auto_auth {
  method "kubernetes" {
    type = "jwt"
    config = { path = "/jwt", role = "r" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
