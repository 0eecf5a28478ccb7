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

telemetry {
  usage_gauge_period = "x"
}
