cache {
  use_auto_auth_token = "false"
  enforce_consistency = "always"
}
listener "tcp" {
  address     = "127.0.0.1:8100"
  tls_disable = true
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
