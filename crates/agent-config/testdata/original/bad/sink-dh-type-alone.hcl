auto_auth {
  method "token_file" {
    config {
      token_file_path = "/x"
    }
  }

  sink "file" {
    dh_type = "foo"
    config {
      path = "/x"
    }
  }
}

