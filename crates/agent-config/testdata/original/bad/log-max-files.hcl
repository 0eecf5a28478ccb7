log_rotate_max_files = "x"
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
