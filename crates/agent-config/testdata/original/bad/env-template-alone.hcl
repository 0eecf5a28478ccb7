auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
env_template "A" {
  contents = "x"
}
