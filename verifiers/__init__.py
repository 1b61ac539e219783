"""The verifying service: a presentation in, a verdict out. Knows no resident and holds no issuing key."""
