auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "file" {
    config = { path = "/a", mode = "0600" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
