pid_file = "/1"
auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
template {
  destination = "/x"
  contents = <<EOF
hello
world
EOF
}
