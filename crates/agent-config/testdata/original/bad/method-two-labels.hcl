auto_auth {
  method "a" "b" {}
}
template {
  contents    = "x"
  destination = "/y"
}
