"""The QR credential: `WP1:` and Base45 of a CWT in a COSE_Sign1. Read offline, judged within a second.

Sources: RFC 8392 (CWT), RFC 9052 (COSE), RFC 9285 (Base45).
No compression: it gains 22 bytes on a permit and opens the door to bombs. Bound to a key of its holder: `bound_cwt.py`.
"""

from __future__ import annotations

from keys.signer import Signer
from walletpass import base45, cose, cwt_claims
from walletpass.credential import Evidence, Presentation
from walletpass.errors import EncodingRefused, Malformed

MAX_TEXT = 1500  # a permit needs 418; QR version 40-M ends at 3391; beyond this nothing of ours exists
MAX_ISSUER_AND_STATUS_URI = 72  # characters; keeps a permit with two plates within QR version 12


class CwtFormat:
    """CWT in a QR code."""

    name = "cwt"
    prefix = "WP1:"

    def encode(self, evidence: Evidence, signer: Signer) -> str:
        """The QR text. Raises `EncodingRefused` when what would be signed does not read back as the pass."""
        if evidence.holder_key is not None:
            raise EncodingRefused("This form is bound to no key; a bound credential would be read by nobody in it.")
        text = self.prefix + base45.encode(cwt_claims.sign(evidence, signer))
        if len(text) > MAX_TEXT:
            raise EncodingRefused(f"The QR text would have {len(text)} characters; at most {MAX_TEXT} are read.")
        return text

    def decode(self, text: str) -> Presentation:
        """Read a QR text strictly; raises `Malformed`."""
        if len(text) > MAX_TEXT or not text.startswith(self.prefix):
            raise Malformed("This is not a pass of the city: the code does not begin with WP1: or is too long.")
        signed = cose.take_apart(base45.decode(text[len(self.prefix) :]))
        if signed.typ is not None:
            raise Malformed("The signed document is not a credential.")
        return cwt_claims.present(self.name, signed, cwt_claims.read(signed.payload, cwt_claims.UNBOUND))


FORMAT = CwtFormat()
