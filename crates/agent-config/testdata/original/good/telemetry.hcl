telemetry {
  prometheus_retention_time = "1h"
  disable_hostname = true
  metrics_prefix = "x"
  prefix_filter = ["+a", "-b"]
  statsd_address = "127.0.0.1:8125"
  enable_hostname_label = true
  filter_default = false
  colour = "red"
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
