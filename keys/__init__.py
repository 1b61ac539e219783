"""What signs and what is trusted. Knows nothing of passes."""
