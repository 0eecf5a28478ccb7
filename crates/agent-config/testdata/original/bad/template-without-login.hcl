template {
  contents    = "x"
  destination = "/y"
}
