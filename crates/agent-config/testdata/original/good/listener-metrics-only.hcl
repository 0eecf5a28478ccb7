listener "tcp" {
  role        = "metrics_only"
  tls_disable = true
}
