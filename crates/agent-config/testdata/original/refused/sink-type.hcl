auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "http" {
    config = { path = "/a" }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
