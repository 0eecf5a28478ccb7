x = [foo]
