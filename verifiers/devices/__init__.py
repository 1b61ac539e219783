"""The inspectors' devices: how one is enrolled, what it may do, what it is given, and how it ends."""
