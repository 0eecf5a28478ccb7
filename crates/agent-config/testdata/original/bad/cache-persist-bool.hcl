cache {
  persist "kubernetes" {
    keep_after_import = "x"
  }
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
