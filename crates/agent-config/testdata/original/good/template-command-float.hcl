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
  command = "true"
  command_timeout = 4000000000.5
}
template {
  contents = "y"
  destination = "/b"
  wait { min = 2000000000.5 }
  exec {
    command = ["false"]
    timeout = 5e9
    kill_timeout = 1.5
  }
}
