vault {
  address = "https://vault:8200"
  ca_cert = "/ca.pem"
  ca_path = "/cas"
  client_cert = "/c.pem"
  client_key = "/k.pem"
  tls_server_name = "vault"
  tls_skip_verify = "true"
  retry {
    num_retries = 5
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
