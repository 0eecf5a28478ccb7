listener "tcp" {
  tls_disable = true
  colour = "red"
}
