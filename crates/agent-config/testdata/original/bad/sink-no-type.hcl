auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink {}
}
