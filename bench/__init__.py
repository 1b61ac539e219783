"""How fast, against what would be possible: `make bench` prints one table, each figure beside its own limit."""
