auto_auth {
  method {
    type = "jwt"
    mount_path = "auth/j"
    config = { path = "/jwt", role = "r" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
