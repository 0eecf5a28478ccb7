auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
template {
  contents = "x"
  destination = "/a"
  wait "a" {
    min = "2s"
  }
}
