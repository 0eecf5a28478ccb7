auto_auth {
  enable_reauth_on_new_credentials = "true"
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
