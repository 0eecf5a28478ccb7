pid_file = "x" /* y
