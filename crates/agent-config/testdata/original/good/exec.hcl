auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
exec {
  command = ["/app", "-x"]
}
env_template "A" {
  contents = "x"
}
