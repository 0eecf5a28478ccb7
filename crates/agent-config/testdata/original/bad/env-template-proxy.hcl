api_proxy {}
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
exec {
  command = ["/app", "-x"]
}
env_template "A" {
  contents = "x"
}
