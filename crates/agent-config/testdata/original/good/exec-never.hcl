auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
exec {
  command = ["/app"]
  restart_on_secret_changes = "never"
  restart_stop_signal = "SIGINT"
}
env_template "A" {
  source = "/a"
  error_on_missing_key = true
  left_delimiter = "[["
  right_delimiter = "]]"
}
