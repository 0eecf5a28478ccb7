auto_auth {
  method "kubernetes" {
    mount_path = ["x"]
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
