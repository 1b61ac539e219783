"""QR texts made and judged against the raw signature operation that each of them needs."""

from __future__ import annotations

import sys
from itertools import cycle

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from bench.installation import carried, city, evidence
from bench.measuring import Row, measure, rates, repeated
from keys.signer import Role
from verifiers.documents import Folder
from verifiers.published import PublishedDocuments, read_anchor
from verifiers.verification import verify
from walletpass.formats import load_formats

ES256 = ec.ECDSA(SHA256())
MESSAGE = bytes(range(250))


def made() -> Row:
    """Evidence of a permit → QR text, read back by our own reader before it is signed."""
    with city() as here:
        signer, encode = here.office.signer(Role.CREDENTIAL), load_formats()["cwt"].encode
        key = signer.private_key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        waiting = cycle(evidence(here, 500))
        figure, limit, ratio = rates(
            repeated(lambda: encode(next(waiting), signer), 1000), repeated(lambda: key.sign(MESSAGE, ES256), 1000)
        )
        return Row("QR text made, lint included", figure, "/s", "raw ES256 signatures", limit, ratio, 0.20)


def judged() -> Row:
    """QR text → verdict with all six steps, from documents that are published and fetched as usual."""
    with city() as here:
        texts = [item.qr_text for item in carried(here, 500)]
        here.publishes()
        now = int(here.clock())
        published = PublishedDocuments(Folder(here.settings.published), read_anchor(here.settings.anchor)).refresh(now)
        assert all(verify(text, published, now).reason == "accepted" for text in texts)
        key = here.office.signer(Role.CREDENTIAL).private_key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        public, signature, waiting = key.public_key(), key.sign(MESSAGE, ES256), cycle(texts)
        figure, limit, ratio = rates(
            repeated(lambda: verify(next(waiting), published, now), 500),
            repeated(lambda: public.verify(signature, MESSAGE, ES256), 500),
        )
        return Row("QR text → verdict", figure, "/s", "raw ES256 verifications", limit, ratio, 0.45)


if __name__ == "__main__":
    measure({"made": made, "judged": judged}, sys.argv[1:])
