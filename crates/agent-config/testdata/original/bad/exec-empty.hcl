auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
exec {
  command = []
}
env_template "A" {
  contents = "x"
}
