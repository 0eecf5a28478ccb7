auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
template {
  contents = "x"
  destination = "/a"
  exec "a" {
    command = ["true"]
  }
}
