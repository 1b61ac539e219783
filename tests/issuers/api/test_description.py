"""The API does what its description says: requests made from it are answered as it promises, and never with 500."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from issuers.app import create_app
from issuers.models import tokens
from tests.issuers.api.conftest import Service
from web.bearer import BearerTokens
from web.tokens import TokenStore

load_all_checks()
# What a type's own rules refuse, such as a zone, is more than a schema can say.
[positive_data_acceptance] = CHECKS.get_by_names(["positive_data_acceptance"])
EXAMPLES = 200 if os.environ.get("WALLETPASS_STRESS") else 8


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_requests_made_from_the_description_are_answered_as_it_says(service: Service, mode: GenerationMode) -> None:
    own = create_app(service.city.office)  # it is asked in an event loop of its own, which two apps cannot share
    # Each operation is asked with wrong tokens too: more often than anybody may guess in a minute.
    own.state.tokens = BearerTokens(TokenStore(service.city.office.engine, tokens), 10**6, failures_per_minute=10**6)
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", own)
    operations = [found.ok() for found in schema.get_all_operations()]
    asked = []
    serial = service.creates().json()["serial"]

    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            if len(asked) % 2 and "serial" in (case.path_parameters or {}):
                case.path_parameters["serial"] = serial  # a pass that exists gets further
            asked.append((case.method, case.path))
            case.call_and_validate(headers=service.headers, excluded_checks=[positive_data_acceptance])

        with suppress(Unsatisfiable):  # an operation that takes nothing cannot be asked wrongly
            ask()
    assert len(set(asked)) >= 9, asked
