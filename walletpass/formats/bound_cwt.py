"""The live code: `WP2:` and Base45 of a proof by the holder's key around a credential that is bound to that key.

The credential is that of `cwt.py` with `cnf`; the phone signs the time around it every 20 seconds. Sources: RFC 8747
(`cnf`), RFC 9052 (COSE), draft-ietf-spice-sd-cwt (key binding token); docs/divergences.md says where we differ.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from keys.signer import Signer
from walletpass import base45, cbor, cose, cwt_claims
from walletpass.credential import Evidence, HolderProof, Presentation
from walletpass.cwt_claims import BOUND, IAT, MAX_TIME
from walletpass.errors import EncodingRefused, Malformed

# What WP1: may say (1500 characters), and 300 more for the key and the proof. A permit with two plates needs 703: QR
# version 15 in level L or 17 in level M, whose modules are over half a millimetre on the narrowest phone.
MAX_TEXT = 1800
CREDENTIAL = -65539  # private use, as `cwt_claims.APP`
PROTECTED = cbor.encode({cose.ALG: cose.ES256, cose.TYP: "application/kb+cwt"})


class BoundCwtFormat:
    """CWT bound to a key, and presented with a fresh proof of it."""

    name = "bound_cwt"
    prefix = "WP2:"

    def encode(self, evidence: Evidence, signer: Signer) -> str:
        """The bound credential as Base64url: for the holder's phone to sign around, no code by itself.

        Raises `EncodingRefused` when what would be signed does not read back, or a code of it would be too long.
        """
        if evidence.holder_key is None:
            raise EncodingRefused("A credential of this form is bound to a key, and there is none.")
        credential = base64.urlsafe_b64encode(cwt_claims.sign(evidence, signer)).rstrip(b"=").decode()
        length = len(presented(credential, MAX_TIME - 1, lambda _: bytes(cose.SIGNATURE_BYTES)))
        if length > MAX_TEXT:
            raise EncodingRefused(f"The QR text would have {length} characters; at most {MAX_TEXT} are read.")
        return credential

    def decode(self, text: str) -> Presentation:
        """Read a QR text strictly; raises `Malformed`. The proof is taken apart, not yet believed."""
        if len(text) > MAX_TEXT or not text.startswith(self.prefix):
            raise Malformed("This is no live code: it does not begin with WP2: or is too long.")
        protected, payload, signature = cose.split(base45.decode(text[len(self.prefix) :]))
        if protected != PROTECTED:
            raise Malformed("What surrounds the credential is no proof of a key.")
        proof = cbor.decode(payload)
        if not isinstance(proof, dict) or proof.keys() != {IAT, CREDENTIAL}:
            raise Malformed("The proof does not hold exactly a time and a credential.")
        signed_at, credential = proof[IAT], proof[CREDENTIAL]
        if type(signed_at) is not int or not 0 <= signed_at < MAX_TIME or not isinstance(credential, bytes):
            raise Malformed("The proof's time is not whole seconds, or its credential no bytes.")
        signed = cose.take_apart(credential)
        if signed.typ is not None:
            raise Malformed("The signed document is not a credential.")
        claims = cwt_claims.read(signed.payload, BOUND)
        key = claims[cwt_claims.CNF]
        assert isinstance(key, bytes)  # read to its point
        message = cose.sig_structure(protected, payload)
        return cwt_claims.present(self.name, signed, claims, HolderProof(key, message, signature, signed_at))


def presented(credential: str, signed_at: int, sign: Callable[[bytes], bytes]) -> str:
    """The live code around a bound credential, as the holder's phone makes it (`issuers/residents/live_code.js`).

    `sign` gives the 64 bytes r‖s of ES256 by the holder's key; `signed_at` is a NumericDate.
    """
    document = base64.urlsafe_b64decode(credential + "=" * (-len(credential) % 4))
    payload = cbor.encode({IAT: signed_at, CREDENTIAL: document})
    signature = sign(cose.sig_structure(PROTECTED, payload))
    return BoundCwtFormat.prefix + base45.encode(cose.assemble(PROTECTED, payload, signature))


FORMAT = BoundCwtFormat()
