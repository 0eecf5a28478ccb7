auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
template "web" {
  contents    = "x"
  destination = "/y"
}
