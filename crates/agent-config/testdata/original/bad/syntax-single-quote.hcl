pid_file = 'x'
