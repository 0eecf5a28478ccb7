pid_file = "x
