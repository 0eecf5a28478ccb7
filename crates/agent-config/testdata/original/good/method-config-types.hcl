auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
      n = 5
      f = 1.5
      b = true
      l = ["a", 1]
      o = { x = 1 }
    }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
