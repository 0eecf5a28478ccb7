template_config {
  static_secret_render_interval = 30
  colour = "red"
}
auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
template {
  contents    = "x"
  destination = "/y"
}
