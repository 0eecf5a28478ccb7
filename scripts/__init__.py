"""What the Makefile calls that is too much for a shell script."""
