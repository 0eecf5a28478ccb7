auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
exec {
  command = ["a"]
}
env_template {
  contents = "x"
}
