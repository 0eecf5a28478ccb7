auto_auth {
  method "kubernetes" {
    config = {
      role = "app"
    }
  }
}
template {
  destination = "/x"
  contents = <<-EOT
    {{ with secret "a" }}
      ${HOME} %{if} $${x}
    {{ end }}
    EOT
}
