cache {
  use_auto_auth_token = [1, "a"]
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
