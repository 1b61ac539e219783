"""The issuing side's part of the command line."""
