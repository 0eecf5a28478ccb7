auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
exec {
  command = ["a"]
  restart_on_secret_changes = "maybe"
}
env_template "A" {
  contents = "x"
}
