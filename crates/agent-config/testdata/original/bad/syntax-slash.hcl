/x
