listener "tcp" {
  tls_disable = true
  http_read_timeout = "x"
}
