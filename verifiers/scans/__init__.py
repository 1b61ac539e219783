"""What inspectors' devices send in: scans, uses of a day, and contested cases; and what is counted of them."""
