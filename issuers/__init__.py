"""The issuing service: an entitlement in, a pass out, changes published."""
