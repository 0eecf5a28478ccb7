auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "file" {
    config = {
      path = "/tmp/token"
    }
  }
}
template {
  contents    = "x"
  destination = "/y"
  exec {
    command = ["a"]
  }
  exec {
    command = ["b"]
  }
}
