pid_file = "x"
foo
