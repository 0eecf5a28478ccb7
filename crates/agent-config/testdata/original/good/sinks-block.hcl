auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
  sinks {
    sink {
      type = "file"
      config = { path = "/1" }
    }
    sink {
      type = "file"
      config = { path = "/2", mode = 0600 }
    }
  }
}
