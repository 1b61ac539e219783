"""The issuing service of a test city, as a resident's browser asks it."""

from __future__ import annotations

from tests.issuers.api.conftest import serve, service, service_on

__all__ = ["serve", "service", "service_on"]
