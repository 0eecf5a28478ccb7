exit_after_auth = True
