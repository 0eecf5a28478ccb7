auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "file" {
    dh_path = "/y"
    config = { path = "/a" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
