"""The verifying desk: pages for those who lead the inspectors."""
