"""Writes the vectors: `python -m tests.vectors.make_vectors`. They hold public material only and never age.

anchor.pem is the anchor; published.json maps a set's name to its documents (path → text, or {"base64": …}) with what
differs from the set "whole" (null: not there); cases.json lists the cases of `vector_cases.Case`.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from pathlib import Path

from tests.vectors.live_cases import live_cases
from tests.vectors.vector_cases import all_cases, published_sets
from tests.vectors.vector_city import VectorCity

FOLDER = Path(__file__).parent


def write_vectors(folder: Path) -> None:
    """Make a new city and write its three files."""
    city = VectorCity()
    sets = published_sets(city)
    whole = sets["whole"]
    published: dict[str, dict[str, object]] = {"whole": {path: _json_form(raw) for path, raw in whole.items()}}
    for name, documents in sets.items():
        if name != "whole":
            differing = {path: _json_form(raw) for path, raw in documents.items() if whole.get(path) != raw}
            published[name] = differing | {path: None for path in whole if path not in documents}
    (folder / "anchor.pem").write_text(city.anchor_pem())
    _write(folder / "published.json", published)
    _write(folder / "cases.json", [asdict(case) for case in (*all_cases(city), *live_cases(city))])


def read_published(folder: Path) -> dict[str, dict[str, bytes]]:
    """Every set of documents in full, by its name."""
    published = json.loads((folder / "published.json").read_text())
    return {
        name: {path: _bytes(form) for path, form in (published["whole"] | differing).items() if form is not None}
        for name, differing in published.items()
    }


def _json_form(raw: bytes) -> object:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def _bytes(form: str | dict[str, str]) -> bytes:
    return form.encode() if isinstance(form, str) else base64.b64decode(form["base64"])


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    write_vectors(FOLDER)
