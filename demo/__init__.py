"""The guide, walked with real parts and no cluster: `make demo`. The end-to-end suite uses the same parts."""
