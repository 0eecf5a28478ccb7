cache {
  persist "kubernetes" {
    path = "/cache"
    keep_after_import = true
    exit_on_err = true
    service_account_token_file = "/sa"
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
template {
  contents    = "x"
  destination = "/y"
}
