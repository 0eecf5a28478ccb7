Auto_Auth {
  Method "KUBERNETES" {
    Mount_Path = "auth/x/"
    Config = {
      role = "app"
    }
  }
}
TEMPLATE {
  Contents = "x"
  DESTINATION = "/y"
}
