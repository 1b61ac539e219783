"""A verdict as a JSON document: the same for the command line and the API."""

from __future__ import annotations

from walletpass.verdict import Verdict


def verdict_document(verdict: Verdict) -> dict[str, object]:
    """`outcome`, `reason`, `pass_type`, `claims`, `steps`, `status_age_seconds` and `valid_until`, all JSON values."""
    claims = verdict.claims
    return {
        "outcome": verdict.outcome.value,
        "reason": verdict.reason.value,
        "pass_type": verdict.pass_type,
        "claims": None if claims is None else {n: list(v) if isinstance(v, tuple) else v for n, v in claims.items()},
        "steps": [{"step": step.value, "result": result.value} for step, result in verdict.steps],
        "status_age_seconds": verdict.status_age_seconds,
        "valid_until": verdict.valid_until,
    }
