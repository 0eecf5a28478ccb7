"""The end-to-end suite: real pods on a real cluster. `python3 -m e2e --help`."""
