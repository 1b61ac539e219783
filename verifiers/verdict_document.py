"""A verdict as a JSON document: the same for the command line and the API."""

from __future__ import annotations

from functools import lru_cache

from walletpass.verdict import Step, StepResult, Verdict


def verdict_document(verdict: Verdict) -> dict[str, object]:
    """`outcome`, `reason`, `pass_type`, `claims`, `steps`, `status_age_seconds` and `valid_until`, all JSON values."""
    claims = verdict.claims
    return {
        "outcome": str(verdict.outcome),
        "reason": str(verdict.reason),
        "pass_type": verdict.pass_type,
        "claims": None if claims is None else {n: list(v) if isinstance(v, tuple) else v for n, v in claims.items()},
        "steps": _steps(verdict.steps),
        "status_age_seconds": verdict.status_age_seconds,
        "valid_until": verdict.valid_until,
    }


@lru_cache(maxsize=32)
def _steps(steps: tuple[tuple[Step, StepResult], ...]) -> list[dict[str, str]]:
    """There are a dozen ways in which six steps can end."""
    return [{"step": step.value, "result": result.value} for step, result in steps]
