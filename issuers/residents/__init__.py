"""Pages for residents, each opened by a secret link: the pass, and its live code."""
