"""The agent as its users meet it: the program, a real OpenBao, real clients. `make test` runs what is here."""
