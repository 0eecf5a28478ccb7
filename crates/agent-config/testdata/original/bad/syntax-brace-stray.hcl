pid_file = "x"
}
