auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sink "file" {
    wrap_ttl = "5m"
    dh_type = "curve25519"
    dh_path = "/dh"
    derive_key = true
    aad = "x"
    aad_env_var = "AAD"
    config = { path = "/z", mode = 416, uid = 5, gid = 6 }
  }
  sink "file" {
    config = { path = "/tmp/token" }
  }
}
