"""The city and the hour that the tests of keys/ use."""

from datetime import UTC, datetime

NOW = datetime(2026, 11, 23, 12, 34, 56, 789, tzinfo=UTC)
CITY = {"public_url": "https://karten.example", "city_name": "Landeshauptstadt Düsseldorf"}
APPLE = {"pass_type_identifier": "pass.example.city", "team_identifier": "TEAM012345"}
