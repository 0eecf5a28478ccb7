listener "tcp" {
  role = "x"
  tls_disable = true
}
