pid_file = `x`
