auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "file" {
    dh_type = "curve25519"
    config = { path = "/a" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
