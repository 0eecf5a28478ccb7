auto_auth {
  method {}
}
template {
  contents    = "x"
  destination = "/y"
}
