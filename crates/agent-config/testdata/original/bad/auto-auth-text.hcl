auto_auth = "x"
template {
  contents    = "x"
  destination = "/y"
}
