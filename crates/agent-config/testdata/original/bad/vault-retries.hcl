vault {
  retry {
    num_retries = "x"
  }
}
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
