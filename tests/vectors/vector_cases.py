"""The cases: an English sentence, a presented text, what is published, and the verdict that must come of it.

The verdicts are written here by hand from the design; no code computes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.vectors.vector_city import (
    APP,
    CTI,
    DAY,
    EXP,
    HOUR,
    IAT,
    ISS,
    LIST_SIZE,
    NBF,
    NOW,
    RESERVED,
    REVOKED,
    STATUS,
    STATUS_URI,
    SUSPENDED,
    URL,
    Documents,
    VectorCity,
    bomb,
    changed,
    text_of,
)
from walletpass import cbor

MALFORMED = ("refused", "malformed", "shape")


@dataclass(frozen=True)
class Case:
    """`published` names the set of documents; they are read at `read_at` and the text is judged at `now`."""

    name: str
    text: str
    outcome: str
    reason: str
    step: str | None  # the step that stopped, or None
    published: str = "whole"
    now: int = NOW
    read_at: int = NOW


def published_sets(city: VectorCity) -> dict[str, Documents]:
    """What may be found in the published folder, by name."""
    other = VectorCity()
    late = city.status_list(issued_at=NOW + 2 * HOUR, expires_at=NOW + 9 * DAY)
    altered = city.documents()["types/resident_parking_permit/1.json"].replace(b"Parken", b"Parkes")
    good = city.status_list()
    lists: dict[str, bytes | None] = {
        "no status list": None,
        "a status list for another address": city.status_list(uri=f"{URL}/status/2"),
        "a status list signed by a credential key": city.status_list(signer=city.credential),
        "a status list signed by an unlisted key": city.status_list(signer=city.withdrawn_status),
        "a status list of another city": other.status_list(),
        "a status list cut off": good[:-10],
        "a status list with a changed signature": good[:-4] + (b"AAAA" if good[-4:] != b"AAAA" else b"BBBB"),
        "a status list that is a bomb": city.status_list(packed=bomb()),
        "a status list that is no zlib stream": city.status_list(packed=bytes(256)),
        "an old status list": city.status_list(issued_at=NOW - 25 * HOUR),
        "a status list exactly as old as allowed": city.status_list(issued_at=NOW - 24 * HOUR),
        "an ended status list": city.status_list(issued_at=NOW - HOUR, expires_at=NOW),
        "a status list from the future": late,
    }
    trusts: dict[str, bytes | None] = {
        "no trust list": None,
        "an ended trust list": city.trust_list(issued_at=NOW - 31 * DAY, expires_at=NOW),
        "a trust list of another city": other.trust_list(),
        "a trust list signed by a credential key": city.trust_list(signer=city.credential),
        "a trust list signed by a status key": city.trust_list(signer=city.status),
        "a trust list cut off": city.trust_list()[:-10],
        "a trust list from the future": city.trust_list(issued_at=NOW + HOUR),
    }
    return {
        "whole": city.documents(),
        "a status list in CBOR": _with(city, "status/1.jwt", None) | {"status/1.cwt": city.status_list(form="cwt")},
        "nothing": {},
        "no type document": _with(city, "types/resident_parking_permit/1.json", None),
        "an altered type document": city.documents() | {"types/resident_parking_permit/1.json": altered},
        **{name: _with(city, "status/1.jwt", token) for name, token in lists.items()},
        **{name: _with(city, "trust-list.jwt", token) for name, token in trusts.items()},
    }


def _with(city: VectorCity, path: str, document: bytes | None) -> Documents:
    documents = city.documents()
    del documents[path]
    return documents if document is None else documents | {path: document}


def all_cases(city: VectorCity) -> list[Case]:
    return [
        *_accepted(city),
        *_texts(city),
        *_envelopes(city),
        *_payloads(city),
        *_signatures(city),
        *_trust(city),
        *_validity(city),
        *_status(city),
    ]


def _accepted(city: VectorCity) -> Iterator[Case]:
    yes = ("accepted", "accepted", None)
    for pass_type in city.types:
        yield Case(f"A good {pass_type.name} is accepted", city.text(city.payload(pass_type.name)), *yes)
    permit = city.payload()
    yield Case("A status list in CBOR serves as well as one in JSON", city.text(), *yes, "a status list in CBOR")
    yield Case("The last entry of a status list is read", city.text(city.payload(index=LIST_SIZE - 1)), *yes)
    yield Case("A pass is accepted in its first second", city.text(changed(permit, {NBF: NOW})), *yes)
    yield Case("A pass is accepted in its last second", city.text(changed(permit, {EXP: NOW + 1})), *yes)
    retired = city.text(changed(permit, {IAT: NOW - 21 * DAY, NBF: NOW - 21 * DAY}), city.retired)
    yield Case("What a retired key signed in its time is accepted", retired, *yes)
    library = city.text(city.payload("library_card"), city.library_only)
    yield Case("A key for library cards may sign a library card", library, *yes)
    exact = "a status list exactly as old as allowed"
    yield Case("A status list exactly as old as the type allows serves", city.text(), *yes, exact)
    card = city.text(city.payload("library_card"))
    yield Case("A library card is content with a status list of yesterday", card, *yes, "an old status list")
    bare = city.claims() | {3: ()}
    del bare[4]
    yield Case("A permit without plates is accepted", city.text(changed(permit, {APP: bare})), *yes)
    more = city.claims() | {999: "from a later version"}
    yield Case("A claim that the type does not declare stays unseen", city.text(changed(permit, {APP: more})), *yes)


def _texts(city: VectorCity) -> Iterator[Case]:
    good = city.text()
    reserved = ("refused", "unsupported_format", "shape")
    yield Case("The next form to come is named as not supported", "WP3:" + good[4:], *reserved)
    yield Case("The last form that may come is named as not supported", "WP9:" + good[4:], *reserved)
    texts = {
        "Nothing at all": "",
        "The prefix alone": "WP1:",
        "A web address": "https://example.org/",
        "A health certificate's prefix": "HC1:" + good[4:],
        "A text without prefix": good[4:],
        "A prefix in lower case": good.lower()[:4] + good[4:],
        "A text in lower case": "WP1:" + good[4:].lower(),
        "A blank before the text": " " + good,
        "A line feed after the text": good + "\n",
        "A text of one character more": good + "0",
        "A text that lacks its last character": good[:-1],
        "A text that lacks its last group": good[:-3],
        "A character outside the alphabet": good[:20] + "!" + good[21:],
        "An umlaut in the text": good[:20] + "Ü" + good[21:],
        "A group that is too large": good[:4] + "GGW" + good[7:],
        "The largest group of three": good[:4] + ":::" + good[7:],
        "A text beyond 1,500 characters": "WP1:" + "0" * 1500,
    }
    for name, text in texts.items():
        yield Case(f"{name} is malformed", text, *MALFORMED)


def _envelopes(city: VectorCity) -> Iterator[Case]:
    good, kid = city.document(), city.credential.kid
    parts = [cbor.encode({1: -7, 4: kid}), {}, cbor.encode(city.payload()), good[-64:]]
    documents = {
        "A document without tag": good[1:],
        "A document with the tag of a MAC": b"\xd1" + good[1:],
        "A document with a CWT tag around it": b"\xd8\x3d" + good,
        "A tag that is not in its shortest form": b"\xd8\x12" + good[1:],
        "A document with bytes after its end": good + b"\x00",
        "A document cut off in the signature": good[:-1],
        "A document with three parts": b"\xd2" + cbor.encode(parts[:3]),
        "A document with five parts": b"\xd2" + cbor.encode([*parts, b""]),
        "A document with an unprotected key id": b"\xd2" + cbor.encode([parts[0], {4: kid}, *parts[2:]]),
        "A document without payload": b"\xd2" + cbor.encode([*parts[:2], None, parts[3]]),
        "A signature of 63 bytes": b"\xd2" + cbor.encode([*parts[:3], good[-63:]]),
        "A signature of 65 bytes": b"\xd2" + cbor.encode([*parts[:3], good[-64:] + b"\x00"]),
        "A header without algorithm": city.document(header={4: kid}),
        "The algorithm EdDSA": city.document(header={1: -8, 4: kid}),
        "The algorithm of a MAC": city.document(header={1: 5, 4: kid}),
        "A header without key id": city.document(header={1: -7}),
        "A key id of seven bytes": city.document(header={1: -7, 4: kid[:7]}),
        "A certificate chain in the header": city.document(header={1: -7, 4: kid, 33: b"certificate"}),
        "A critical header": city.document(header={1: -7, 2: [4], 4: kid}),
        "The type of a status list": city.document(header={1: -7, 4: kid, 16: "application/statuslist+cwt"}),
    }
    for name, document in documents.items():
        yield Case(f"{name} is malformed", text_of(document), *MALFORMED)


def _payloads(city: VectorCity) -> Iterator[Case]:
    good = city.payload()
    encoded = cbor.encode(good)
    reference = {"idx": 0, "uri": STATUS_URI}
    nested: object = "deep"
    for _ in range(9):
        nested = [nested]
    payloads: dict[str, object] = {
        "A payload that is no map": [1],
        "A payload of no bytes": b"",
        "A payload with bytes after its end": encoded + b"\x00",
        "A payload of indefinite length": b"\xbf" + encoded[1:] + b"\xff",
        "A payload that lacks its last byte": encoded[:-1],
        "A map that declares more than there is": b"\xbb" + b"\xff" * 8 + encoded[1:],
        "A doubled claim": b"\xa8" + encoded[1 : 1 + 2 + len(URL) + 1] + encoded[1:],
        "Claims out of order": b"\xa2\x04\x00\x01\x00",
        "A number not in its shortest form": encoded.replace(b"\x07\x48", b"\x18\x07\x48", 1),
        "A time that is a float": encoded.replace(cbor.encode(NOW - DAY), b"\xfa\x4e\xda\x28\x00", 1),
        "A time with a date tag": encoded.replace(cbor.encode(NOW - DAY), b"\xc1" + cbor.encode(NOW - DAY), 1),
        "A text that is not UTF-8": encoded.replace("MÜ".encode(), b"M\xc3\x28", 1),
        "Nine levels of arrays": changed(good, {APP: {0: 2, 1: nested}}),
        "A claim too many": changed(good, {2: "subject"}),
        "A holder key in the unbound form": changed(good, {8: {1: {1: 2}}}),
        "An issuer that is a number": changed(good, {ISS: 1}),
        "An identifier of seven bytes": changed(good, {CTI: bytes(7)}),
        "An end that is text": changed(good, {EXP: "2028"}),
        "An end that is true": changed(good, {EXP: True}),
        "A beginning before 1970": changed(good, {NBF: -1}),
        "A pass type that is text": changed(good, {APP: city.claims() | {0: "2"}}),
        "No pass type": changed(good, {APP: {1: "2027-000123"}}),
        "A claim with a name for a number": changed(good, {APP: city.claims() | {"zone": "7"}}),
        "A claim of bytes": changed(good, {APP: city.claims() | {2: b"7"}}),
        "A claim that is a map": changed(good, {APP: city.claims() | {2: {}}}),
        "A list of numbers as plates": changed(good, {APP: city.claims() | {3: [1]}}),
        "A negative status index": changed(good, {STATUS: {"status_list": reference | {"idx": -1}}}),
        "A status without address": changed(good, {STATUS: {"status_list": {"idx": 0}}}),
        "A status with something more": changed(good, {STATUS: {"status_list": reference | {"more": 1}}}),
        "A status of another kind": changed(good, {STATUS: {"identifier_list": {"id": b"1"}}}),
    }
    for number, name in {ISS: "issuer", EXP: "end", NBF: "beginning", IAT: "time of issue", CTI: "identifier"}.items():
        payloads[f"A payload without {name}"] = changed(good, {number: ...})
    for name, payload in payloads.items():
        yield Case(f"{name} is malformed", city.text(payload), *MALFORMED)


def _signatures(city: VectorCity) -> Iterator[Case]:
    good = city.document()
    bad = ("refused", "bad_signature", "signature")
    forged = {
        "A changed claim": good.replace("MÜ".encode(), "MÄ".encode(), 1),
        "A changed last byte of the signature": good[:-1] + bytes((good[-1] ^ 1,)),
        "A signature of zeros": good[:-64] + bytes(64),
        "A signature with its halves exchanged": good[:-64] + good[-32:] + good[-64:-32],
        "Another key's signature under a listed key id": city.document(
            signer=city.stranger, header={1: -7, 4: city.credential.kid}
        ),
    }
    for name, document in forged.items():
        yield Case(f"{name} is a bad signature", text_of(document), *bad)
    unknown = ("refused", "unknown_key", "signature")
    yield Case("A key that is not in the trust list is unknown", city.text(signer=city.stranger), *unknown)
    yield Case("A key for status lists is unknown to credentials", city.text(signer=city.status), *unknown)
    stale = ("undetermined", "trust_list_stale", "signature")
    for published in ("nothing", "no trust list", "an ended trust list", "a trust list of another city",
                      "a trust list signed by a credential key", "a trust list signed by a status key",
                      "a trust list cut off", "a trust list from the future"):  # fmt: skip
        yield Case(f"With {published} nothing can be said", city.text(), *stale, published)
    yield Case("A malformed text is malformed even with nothing published", "WP1:", *MALFORMED, "nothing")


def _trust(city: VectorCity) -> Iterator[Case]:
    permit = city.payload()
    unknown = changed(permit, {APP: city.claims() | {0: 77}})
    yield Case("A type of pass that is not listed is refused", city.text(unknown), "refused", "unknown_type", "trust")
    only = city.text(signer=city.library_only)
    yield Case("A key for library cards may not sign a permit", only, "refused", "key_not_allowed", "trust")
    window = ("refused", "key_outside_window", "trust")
    yield Case("What a retired key signed after its time is refused", city.text(signer=city.retired), *window)
    early = changed(permit, {IAT: NOW - 300 * DAY, NBF: NOW - 300 * DAY})
    yield Case("What was signed before the key began is refused", city.text(early), *window)
    other = changed(permit, {ISS: "https://pass.example.com"})
    yield Case("Another issuer's name is refused", city.text(other), "refused", "wrong_issuer", "trust")
    invalid = ("refused", "claim_invalid", "trust")
    claims = city.claims()
    without_zone = {number: value for number, value in claims.items() if number != 2}
    yield Case("A permit without its zone is refused", city.text(changed(permit, {APP: without_zone})), *invalid)
    number = changed(permit, {APP: claims | {2: 7}})
    yield Case("A zone that is a number is refused", city.text(number), *invalid)
    text = changed(permit, {APP: claims | {3: "D-AB 1234E"}})
    yield Case("Plates that are no list are refused", city.text(text), *invalid)
    unavailable = ("undetermined", "type_unavailable", "trust")
    for published in ("no type document", "an altered type document"):
        yield Case(f"With {published} the type is unknown for now", city.text(), *unavailable, published)


def _validity(city: VectorCity) -> Iterator[Case]:
    permit, revoked = city.payload(), city.payload(index=REVOKED)
    expired = ("refused", "expired", "validity")
    yield Case("A pass has expired in the second after its last", city.text(changed(permit, {EXP: NOW})), *expired)
    yield Case("A pass that ended a month ago has expired", city.text(changed(permit, {EXP: NOW - 30 * DAY})), *expired)
    yield Case("An expired pass is expired, revoked or not", city.text(changed(revoked, {EXP: NOW})), *expired)
    no_list = city.text(changed(permit, {EXP: NOW}))
    yield Case("An expired pass needs no status list", no_list, *expired, "no status list")
    early = ("refused", "not_yet_valid", "validity")
    yield Case("A pass is not yet valid a second early", city.text(changed(permit, {NBF: NOW + 1})), *early)
    wrong = ("undetermined", "clock_wrong", "validity")
    yield Case("A clock set back behind the trust list is wrong", city.text(), *wrong,
               now=NOW - 2 * HOUR)  # fmt: skip


def _status(city: VectorCity) -> Iterator[Case]:
    good, permit = city.text(), city.payload()
    revoked, suspended = city.text(city.payload(index=REVOKED)), city.text(city.payload(index=SUSPENDED))
    gone, paused = ("refused", "revoked", "status"), ("refused", "suspended", "status")
    yield Case("A revoked pass is refused", revoked, *gone)
    yield Case("A suspended pass is refused", suspended, *paused)
    yield Case("A revoked pass is refused by a list in CBOR", revoked, *gone, "a status list in CBOR")
    yield Case("Revoked is final, so an old list says it for good", revoked, *gone, "an old status list")
    reserved = city.text(city.payload(index=RESERVED))
    yield Case("A value without meaning is refused", reserved, "refused", "status_unknown_value", "status")
    missing = city.text(changed(permit, {STATUS: ...}))
    yield Case("A pass without status is refused", missing, "refused", "status_missing", "status")
    beyond = city.text(city.payload(index=LIST_SIZE))
    yield Case("An entry beyond the list is refused", beyond, "refused", "status_out_of_range", "status")
    absent = ("undetermined", "status_unavailable", "status")
    elsewhere = changed(permit, {STATUS: {"status_list": {"idx": 0, "uri": "https://example.com/status/1"}}})
    yield Case("A status list elsewhere is never fetched", city.text(elsewhere), *absent)
    for published in ("no status list", "a status list for another address", "a status list signed by a credential key",
                      "a status list signed by an unlisted key", "a status list of another city",
                      "a status list cut off", "a status list with a changed signature",
                      "a status list that is a bomb", "a status list that is no zlib stream"):  # fmt: skip
        yield Case(f"With {published} the status is unknown", good, *absent, published)
    stale = ("undetermined", "status_stale", "status")
    for published in ("an old status list", "an ended status list"):
        yield Case(f"With {published} the status of a permit is unknown", good, *stale, published)
    yield Case("A suspension on an old list may have been lifted", suspended, *stale, "an old status list")
    wrong = ("undetermined", "clock_wrong", "status")
    ahead = "a status list from the future"
    yield Case("With a status list from the future the status is unknown", good, *absent, ahead)
    yield Case("A clock set back behind a status list is wrong", good, *wrong, ahead, read_at=NOW + 2 * HOUR)
