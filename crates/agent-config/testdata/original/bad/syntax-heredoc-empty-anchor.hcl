pid_file = <<
x
