auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
template = [
  { contents = "1", destination = "/1" },
  { contents = "2", destination = "/2" },
]
