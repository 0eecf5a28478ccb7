pid_file = "\d"
