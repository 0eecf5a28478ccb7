auto_auth {
method "kubernetes" {
    config = {
      role = "app"
    }
  }
method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
template {
  contents    = "x"
  destination = "/y"
}
