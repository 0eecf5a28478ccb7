cache {
  use_auto_auth_token = true
}
listener "tcp" {
  address     = "127.0.0.1:8100"
  tls_disable = true
}
auto_auth {
  method "kubernetes" {
    wrap_ttl = "5m"
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
