exit_after_auth = true
pid_file = "/tmp/pid"
disable_idle_connections = ["auto-auth", "caching", "templating"]
disable_keep_alives = ["proxying", ""]
cluster_name = "x"
auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "file" {
    config = {
      path = "/tmp/token"
    }
  }
}
