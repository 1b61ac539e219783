"""What both services share at their edge. Imports neither service."""
