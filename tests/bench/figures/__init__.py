"""One module per benchmark; see bench.py."""
