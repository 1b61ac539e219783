"""The revisions of the verifying service's tables."""
