x {y
