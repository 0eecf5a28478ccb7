listener "tcp" {
  address = "127.0.0.1:8100"
  tls_disable = "true"
  require_request_header = 1
  agent_api {
    enable_quit = true
  }
  http_read_timeout = "1m"
  x_forwarded_for_hop_skips = 0
}
