"""A pass type as a public document, and back: SD-JWT VC Type Metadata with our numbers added.

Source: draft-ietf-oauth-sd-jwt-vc section 6 (type metadata). The bytes are stable: the trust list carries their
SHA-256. What a verifier knows of a type it reads from here, so a new type needs no new verifier.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from keys.strict_json import read_object
from walletpass.errors import Malformed
from walletpass.pass_type import (
    LANGUAGES,
    Audience,
    Category,
    Claim,
    ClaimKind,
    FrontCode,
    Look,
    PassType,
    Validity,
)

EXTENSION = "walletpass"
MAX_DOCUMENT = 256 << 10  # bytes


def to_document(pass_type: PassType, public_url: str) -> bytes:
    """The published bytes of a type."""
    display = [
        {"description": pass_type.descriptions[lang], "lang": lang, "locale": lang, "name": pass_type.labels[lang]}
        for lang in LANGUAGES
    ]
    document = {
        "vct": pass_type.vct(public_url),
        "name": pass_type.labels["en"],
        "description": pass_type.descriptions["en"],
        "display": display,
        "claims": [_claim_document(claim) for claim in pass_type.claims],
        EXTENSION: {
            "name": pass_type.name,
            "number": pass_type.number,
            "version": pass_type.version,
            "category": pass_type.category,
            "max_status_age": pass_type.max_status_age,
        },
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _claim_document(claim: Claim) -> dict[str, object]:
    return {
        "path": [claim.name],
        "display": [{"label": claim.labels[lang], "lang": lang, "locale": lang} for lang in LANGUAGES],
        "mandatory": claim.mandatory,
        "sd": "always" if claim.withheld else "allowed",
        EXTENSION: {
            "number": claim.number,
            "kind": claim.kind,
            "in_qr": claim.in_qr,
            "visible_to": sorted(claim.visible_to),
        },
    }


def from_document(raw: bytes) -> PassType:
    """What a verifier needs of a type. Raises `Malformed`. Looks, validity rules and holder fields stay behind."""
    try:
        document = read_object(raw)
        ours = document[EXTENSION]
        display = _list(document["display"])
        return PassType(
            name=_text(ours["name"]),
            number=_number(ours["number"]),
            version=_number(ours["version"]),
            department="",
            category=Category(ours["category"]),
            labels={_text(entry["lang"]): _text(entry["name"]) for entry in display},
            descriptions={entry["lang"]: _text(entry["description"]) for entry in display},
            claims=tuple(_read_claim(entry) for entry in _list(document["claims"])),
            validity=Validity(0, 0, 0),
            max_status_age=_number(ours["max_status_age"]),
            front_code=FrontCode.SIGNED_QR,
            look=Look("", "", ""),
        )
    except (ValueError, KeyError, TypeError, IndexError):
        raise Malformed("The document does not describe a pass type.") from None


def _read_claim(entry: Mapping[str, object]) -> Claim:
    ours = cast(Mapping[str, object], entry[EXTENSION])
    return Claim(
        name=_text(_list(entry["path"])[0]),
        number=_number(ours["number"]),
        labels={_text(label["lang"]): _text(label["label"]) for label in _list(entry["display"])},
        kind=ClaimKind(cast(str, ours["kind"])),
        mandatory=entry["mandatory"] is True,
        in_qr=ours["in_qr"] is True,
        withheld=entry["sd"] == "always",
        visible_to=frozenset(Audience(word) for word in _list(ours["visible_to"])),
    )


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("list expected")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("text expected")
    return value


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("number expected")
    return value
