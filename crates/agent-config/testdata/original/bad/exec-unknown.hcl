auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
exec {
  command = ["a"]
  foo = 1
}
env_template "A" {
  contents = "x"
}
