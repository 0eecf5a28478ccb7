template_config {
  exit_on_retry_failure = 1
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
template {
  contents    = "x"
  destination = "/y"
}
