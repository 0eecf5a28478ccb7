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
  error_on_missing_key = "yes"
}
