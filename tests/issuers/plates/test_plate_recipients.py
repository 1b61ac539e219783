"""Who is given the plate lists' keys: public P-256 keys, handed over by hand, and nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from issuers.errors import RecipientInvalid
from issuers.plates.recipients import MAX_JWK, add_recipient, every_recipient, read_recipient, remove_recipient
from tests.city import City
from verifiers.receiving import ReceivingKey
from walletpass.errors import PlateListInvalid
from walletpass.plate_keys import pack_keys
from web.database import write_transaction


def public(**changes: Any) -> dict[str, Any]:
    return dict(ECKey.generate_key("P-256").as_dict(private=False)) | changes


REFUSED: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "no receiving key"),
    "no object": ("[]", "no receiving key"),
    "nothing in it": ("{}", "not a whole"),
    "too large": (json.dumps(public(more="x" * MAX_JWK)), "no receiving key"),
    "the private key": (json.dumps(ECKey.generate_key("P-256").as_dict(private=True)), "private key"),
    "another curve": (json.dumps(ECKey.generate_key("P-384").as_dict(private=False)), "P-256"),
    "another kind": (json.dumps(OKPKey.generate_key("X25519").as_dict(private=False)), "not a whole"),
    "RSA": (json.dumps(RSAKey.generate_key(2048).as_dict(private=False)), "not a whole"),
    "a point that is on no curve": (json.dumps(public(x="A" * 43, y="A" * 43)), "not a whole"),
    "a coordinate that is no text": (json.dumps(public(x=5)), "not a whole"),
}


@pytest.mark.parametrize(("raw", "sentence"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_no_public_receiving_key_is_refused(raw: str, sentence: str) -> None:
    with pytest.raises(RecipientInvalid, match=sentence):
        read_recipient(raw.encode(), "verifier", 1)


def test_a_recipient_is_known_by_its_keys_thumbprint_and_reads_what_is_for_it(city: City) -> None:
    receiver, other = (ReceivingKey.open(city.settings.home / name) for name in ("verifier", "other"))
    recipient = read_recipient(receiver.public_jwk().encode(), "verifier", 1)
    assert recipient.id == receiver.id != other.id
    encrypted = recipient.encrypt(pack_keys({city.today: b"k" * 32}))
    assert receiver.decrypt(encrypted) == {city.today: b"k" * 32}
    with pytest.raises(PlateListInvalid):
        other.decrypt(encrypted)


def test_only_recipients_have_a_file_and_a_removed_one_loses_it(city_on: City) -> None:
    city = city_on
    folder = city.settings.published / "plates" / "keys"
    one, other = (ReceivingKey.open(city.settings.home / name) for name in ("one", "other"))
    for receiver in (one, other, one):
        found = read_recipient(receiver.public_jwk().encode(), "verifier", 1)
        with write_transaction(city.office.engine) as connection:
            add_recipient(connection, found)
    (folder / ".left.unfinished").write_bytes(b"half")
    city.office.plates.publish_keys()
    assert {path.name for path in folder.iterdir()} == {f"{one.id}.jwt", f"{other.id}.jwt"}
    with write_transaction(city.office.engine) as connection:
        remove_recipient(connection, one.id)
        assert [each.id for each in every_recipient(connection)] == [other.id]
    city.office.plates.replace_keys()
    assert {path.name for path in folder.iterdir()} == {f"{other.id}.jwt"}


def test_an_unknown_recipient_cannot_be_removed(city: City) -> None:
    with pytest.raises(RecipientInvalid), write_transaction(city.office.engine) as connection:
        remove_recipient(connection, "x" * 43)
