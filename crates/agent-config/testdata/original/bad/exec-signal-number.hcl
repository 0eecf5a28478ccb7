auto_auth {
  method "token_file" {
    config {
      token_file_path = "/x"
    }
  }

  sink "file" {
    config {
      path = "/x"
    }
  }
}

env_template "A" {
  contents = "x"
}

exec {
  command = ["x"]
  restart_stop_signal = 15
}

