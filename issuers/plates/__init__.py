"""Publishing which plates have a parking permit, for holders of the day's key only (ADR 0010)."""
