auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
template {
  destination = "/a"
  contents = <<END_OF
first
END_OF
}
template {
  destination = "/b"
  contents = <<-_E
    second
    _E
}
template {
  destination = "/c"
  contents = <<end_of_file_2
third
end_of_file_2
}
