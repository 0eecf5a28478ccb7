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
  command = ["a", 2]
}
