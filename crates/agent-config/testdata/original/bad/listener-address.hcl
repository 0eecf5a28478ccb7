listener "tcp" {
  tls_disable = true
  address = ["x"]
}
