auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
exec {
  command = ["a"]
  restart_stop_signal = "SIGFOO"
}
env_template "A" {
  contents = "x"
}
