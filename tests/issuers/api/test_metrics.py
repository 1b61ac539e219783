"""What Prometheus reads of the issuing side: work that waits or failed, and how fresh the lists are."""

from __future__ import annotations

import os
from math import inf

from prometheus_client.parser import text_string_to_metric_families

from issuers import repository
from tests.issuers.api.conftest import Service
from web.database import write_transaction


def figures(service: Service) -> dict[tuple[str, ...], float]:
    text = service.client.get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_waiting_and_failed_work_is_counted_by_kind(service_on: Service) -> None:
    city = service_on.city
    with write_transaction(city.office.engine) as connection:
        repository.add_outbox(connection, "mail", ["1", "2", "3"], int(city.clock()))
    city.later(minutes=10)
    claim = city.office.outbox.claim("mail", 1, 60)
    assert claim
    city.office.outbox.report(claim, 60).failed([city.office.outbox.held(claim)[0].id], "mail_refused")
    found = figures(service_on)
    assert found["walletpass_jobs", "mail", "waiting"] == 2
    assert found["walletpass_jobs", "mail", "failed"] == 1
    assert found["walletpass_oldest_job_seconds", "mail"] == 600


def test_the_age_of_the_lists_is_told(service: Service) -> None:
    published = service.city.settings.published
    signed_at = (published / "trust-list.jwt").stat().st_mtime - 5000
    os.utime(published / "trust-list.jwt", (signed_at, signed_at))
    assert 5000 <= figures(service)["walletpass_published_seconds",] < 5600
    (published / "trust-list.jwt").unlink()
    assert figures(service)["walletpass_published_seconds",] == inf, "an alarm about a great age hears of it too"


def test_without_a_database_the_other_figures_are_told(service: Service) -> None:
    service.city.office.engine.dispose()
    for file in service.city.settings.issuer_home.glob("issuer.db*"):
        file.unlink()
    found = figures(service)
    assert ("walletpass_published_seconds",) in found
    assert not any(name[0] == "walletpass_jobs" for name in found)
