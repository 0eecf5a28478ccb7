api_proxy {
  use_auto_auth_token = true
  enforce_consistency = "always"
  when_inconsistent = "forward"
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
}
