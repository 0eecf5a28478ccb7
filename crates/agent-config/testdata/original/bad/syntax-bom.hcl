pid_file = "x"
