auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
exec {}
env_template "A" {
  contents = "x"
}
