auto_auth {
  method "kubernetes" {
    wrap_ttl = "5m"
  }
}
template {
  contents    = "x"
  destination = "/y"
}
