pid_file = = "x"
