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
template {
  source = "/a.tmpl"
  destination = "/a"
  create_dest_dirs = false
  error_on_missing_key = true
  error_fatal = false
  perms = "0640"
  user = "app"
  group = "1000"
  backup = true
  left_delimiter = "[["
  right_delimiter = "]]"
  wait {
    min = "5s"
    max = "30s"
  }
  sandbox_path = "/box"
  function_denylist = ["env", "plugin"]
  exec {
    command = ["a", "b"]
    timeout = "5s"
  }
}
