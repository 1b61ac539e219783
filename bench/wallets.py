"""Passes for Apple and Google against the RSA signature that each of them needs."""

from __future__ import annotations

import sys
from itertools import cycle

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from bench.installation import carried, city
from bench.measuring import Row, measure, rates, repeated
from keys.signer import Role

WANTED = 0.80


def pkpass() -> Row:
    """Whole `.pkpass` files of parking permits."""
    return _offers("apple", "pkpass built", Role.APPLE_PASS)


def save_link() -> Row:
    """Whole "save" links of parking permits."""
    return _offers("google", "Google save link made", Role.GOOGLE_SERVICE_ACCOUNT)


def _offers(name: str, what: str, role: Role) -> Row:
    with city() as made:
        wallet, now = made.office.wallets[name], made.office.now()
        waiting = cycle(carried(made, 50))
        key, message = made.office.signer(role).private_key, bytes(250)
        assert isinstance(key, rsa.RSAPrivateKey)
        figure, limit, ratio = rates(
            repeated(lambda: wallet.offer(next(waiting), wallet.forms[0], now), 100),
            repeated(lambda: key.sign(message, PKCS1v15(), SHA256()), 100),
        )
        return Row(what, figure, "/s", f"raw RSA-{key.key_size} signatures", limit, ratio, WANTED)


if __name__ == "__main__":
    measure({"pkpass": pkpass, "save_link": save_link}, sys.argv[1:])
