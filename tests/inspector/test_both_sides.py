"""Python and JavaScript judge the same mutated codes and documents, and find the same: outcome, reason, all of it."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
from collections import Counter
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keys.demo import create_anchor
from keys.key_ring import KeyRing
from keys.rotation import ISSUED_ROLES, new_key
from keys.strict_json import NotStrictJson, read_object
from tests.inspector.document_mutations import Publication, publications
from tests.inspector.live_mutations import live_text
from tests.inspector.mutations import BENDS, bent_json, texts
from tests.inspector.node import FOLDER, judged_by_node, node
from tests.keys.sample_city import CITY
from tests.keys.sample_city import NOW as KEYS_MADE
from tests.keys.test_trust_list_forgeries import FORGERIES, IAT, Forge
from tests.vectors.make_vectors import FOLDER as VECTORS
from tests.vectors.vector_city import DAY, HOUR, LIST_SIZE, NOW, REVOKED, SUSPENDED, Documents, VectorCity
from verifiers.documents import Document, Unchanged
from verifiers.published import PublishedDocuments, PublishedSet
from verifiers.verdict_document import verdict_document
from verifiers.verification import verify

pytestmark = pytest.mark.usefixtures("no_logs")

SEED = 20271228
# When a text is judged: mostly when its documents are fresh, else at the edges of what a list or a clock allows.
MOMENTS = (NOW,) * 5 + tuple(NOW + s for s in (-2 * HOUR, -3901, -901, HOUR, DAY - 600, DAY - 599, 8 * DAY, 31 * DAY))
TIMES = 10 if os.environ.get("WALLETPASS_STRESS") else 1
TEXTS, LIVE_TEXTS, PUBLICATIONS, JSON_TEXTS = 4000 * TIMES, 4000 * TIMES, 1500 * TIMES, 2000 * TIMES


class _Given:
    """A `DocumentSource` over documents in memory, which may be exchanged."""

    def __init__(self) -> None:
        self.documents: Documents = {}

    def read(self, path: str, limit: int, tag: str = "") -> Document | Unchanged | None:
        content = self.documents.get(path)
        return None if content is None or len(content) > limit else Document(content, "")


def read_by_python(publication: Publication) -> PublishedSet:
    source, known = _Given(), PublishedSet()
    published = PublishedDocuments(source, x509.load_pem_x509_certificate(publication.anchor.encode()))
    for source.documents, now in publication.refreshes:
        known = published.refresh(now)
    return known


def read_line(name: str, publication: Publication) -> dict[str, Any]:
    refreshes = [
        {"documents": {path: base64.b64encode(raw).decode() for path, raw in documents.items()}, "now": now}
        for documents, now in publication.refreshes
    ]
    return {"set": name, "anchor": publication.anchor, "refreshes": refreshes}


def comparable(document: dict[str, Any]) -> dict[str, Any]:
    """With numbers beyond 2^53 as text, as `judge.mjs` writes them."""
    claims = document["claims"]
    large = {n: str(v) for n, v in (claims or {}).items() if type(v) is int and abs(v) >= 1 << 53}
    return document | {"claims": claims if claims is None else claims | large}


def compare(lines: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    found = judged_by_node(lines)
    assert len(found) == len(expected)
    wrong = [(line, p, j) for line, p, j in zip(lines, expected, found, strict=True) if p != j]
    shown = "\n".join(f"Python {p}\nNode   {j}\n{json.dumps(line)[:3000]}" for line, p, j in wrong[:3])
    assert not wrong, f"{len(wrong)} of {len(lines)} differ, such as\n{shown}"


@pytest.fixture(scope="module")
def city() -> VectorCity:
    return VectorCity()


def test_every_vector_gets_its_verdict_in_node() -> None:
    judged = subprocess.run([node(), str(FOLDER / "vectors.mjs"), str(VECTORS)], capture_output=True, text=True)
    count = len(json.loads((VECTORS / "cases.json").read_text()))
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, f"{count} of {count} vectors\n", "")


def test_mutated_codes_get_the_same_verdict_on_both_sides(city: VectorCity) -> None:
    publication = Publication(city.anchor_pem(), ((city.documents(), NOW),))
    known = read_by_python(publication)
    lines, expected = [read_line("whole", publication)], [dict[str, Any]()]
    rng = random.Random(SEED)
    for text in texts(city, rng, TEXTS):
        now = rng.choice(MOMENTS)
        lines.append({"text": text, "set": "whole", "now": now})
        expected.append(comparable(verdict_document(verify(text, known, now))))
    assert len(Counter(verdict["reason"] for verdict in expected[1:])) >= 12  # they reach most checks
    compare(lines, expected)


def test_mutated_live_codes_get_the_same_verdict_on_both_sides(city: VectorCity) -> None:
    publication = Publication(city.anchor_pem(), ((city.documents(), NOW),))
    known = read_by_python(publication)
    lines, expected = [read_line("whole", publication)], [dict[str, Any]()]
    rng = random.Random(SEED)
    for _ in range(LIVE_TEXTS):
        now = rng.choice(MOMENTS)
        text = live_text(city, rng, now)
        lines.append({"text": text, "set": "whole", "now": now})
        expected.append(comparable(verdict_document(verify(text, known, now))))
    reasons = Counter(verdict["reason"] for verdict in expected[1:])
    assert len(reasons) >= 14 and {"accepted", "bad_proof", "proof_stale", "proof_early"} <= reasons.keys()
    compare(lines, expected)


def test_mutated_documents_lead_to_the_same_verdict_on_both_sides(city: VectorCity) -> None:
    judged = [city.text(city.payload(index=index)) for index in (0, REVOKED, SUSPENDED, LIST_SIZE - 1, LIST_SIZE)]
    judged.append(city.text(city.payload("library_card"), city.library_only))
    lines: list[dict[str, Any]] = []
    expected: list[dict[str, Any]] = []
    rng = random.Random(SEED)
    for number, publication in enumerate(publications(city, rng, PUBLICATIONS)):
        lines.append(read_line(str(number), publication))
        expected.append({})
        known = read_by_python(publication)
        for text in judged:
            now = rng.choice(MOMENTS)
            lines.append({"text": text, "set": str(number), "now": now})
            expected.append(comparable(verdict_document(verify(text, known, now))))
    reasons = Counter(verdict["reason"] for verdict in expected if verdict)
    assert len(reasons) >= 11 and reasons["accepted"] > PUBLICATIONS // 5
    compare(lines, expected)


def test_every_forged_trust_list_is_refused_in_node_too(city: VectorCity) -> None:
    ring = KeyRing.in_memory()
    create_anchor(ring, KEYS_MADE, **CITY)
    for role in ISSUED_ROLES:
        new_key(ring, role, KEYS_MADE)
    anchor = ring.anchor_certificate.public_bytes(Encoding.PEM).decode()
    tokens = {"good": Forge(ring).good} | {name: forgery(Forge(ring)) for name, (forgery, _) in FORGERIES.items()}
    lines = []
    for name, token in tokens.items():
        lines.append(read_line(name, Publication(anchor, (({"trust-list.jwt": token}, IAT),))))
        lines.append(
            {"text": city.text(), "set": name, "now": IAT}
        )  # of another city: a list that is read knows no key
    reasons = dict(zip(tokens, (answer["reason"] for answer in judged_by_node(lines)[1::2]), strict=True))
    assert reasons.pop("good") == "unknown_key"
    assert {name for name, reason in reasons.items() if reason != "trust_list_stale"} == set()


def test_mutated_json_is_read_or_refused_alike(city: VectorCity) -> None:
    rng = random.Random(SEED)
    documents = [raw for path, raw in city.documents().items() if path.endswith(".json")]
    lines: list[dict[str, Any]] = []
    expected: list[dict[str, Any]] = []
    for _ in range(JSON_TEXTS):
        raw = rng.choice((bent_json, *BENDS))(rng, rng.choice(documents))
        lines.append({"json": base64.b64encode(raw).decode()})
        try:
            expected.append({"read": read_object(raw)})
        except NotStrictJson:
            expected.append({"read": None})
    assert 0.1 < sum(answer["read"] is None for answer in expected) / JSON_TEXTS < 0.9
    compare(lines, expected)
