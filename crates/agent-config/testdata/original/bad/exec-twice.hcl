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
exec {
  command = ["a"]
}
env_template "A" {
  contents = "x"
}
