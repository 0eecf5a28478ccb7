pid_file : "x"
