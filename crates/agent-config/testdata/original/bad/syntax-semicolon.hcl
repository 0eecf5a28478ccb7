pid_file = "x";
