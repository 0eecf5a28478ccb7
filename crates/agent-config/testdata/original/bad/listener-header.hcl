listener "tcp" {
  tls_disable = true
  require_request_header = "maybe"
}
