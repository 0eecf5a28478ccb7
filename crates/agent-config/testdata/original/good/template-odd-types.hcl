auto_auth {
  method "token_file" {
    config {
      token_file_path = "/x"
    }
  }
}

template {
  contents    = "x"
  destination = "/x"
  perms = 384.5
  gid = 1.5
  function_denylist = "env,file"
}
