"""What a pass is: types, passes, credentials, status and verdicts. Pure: no I/O, no framework, no clock."""
