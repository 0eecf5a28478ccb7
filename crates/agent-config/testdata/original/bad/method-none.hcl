auto_auth {}
template {
  contents    = "x"
  destination = "/y"
}
