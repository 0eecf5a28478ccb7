pid_file = <<EOT
x
