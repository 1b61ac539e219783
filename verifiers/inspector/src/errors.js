/**
 * The errors of the inspector: the same words and codes as `walletpass/errors.py` and `keys/errors.py`.
 * Messages name no person, secret or code content.
 */

/** Something we foresaw. `code` is stable and shared with Python. */
export class WalletPassError extends Error {
  code = "error";
}

/** Bytes or text that are not what a format promises. */
export class Malformed extends WalletPassError {
  code = "malformed";
}

/** A certificate does not fit its key or its role. */
export class CertificateMismatch extends WalletPassError {
  code = "certificate_mismatch";
}

/** A trust list that must not be believed. */
export class TrustListInvalid extends WalletPassError {
  code = "trust_list_invalid";
}

/** A status list token that counts as absent. */
export class StatusListInvalid extends WalletPassError {
  code = "status_list_invalid";
}

/** A plate list that counts as absent. */
export class PlateListInvalid extends WalletPassError {
  code = "plate_list_invalid";
}

/** A value that is not what it should be; `code` is the precise reason. */
export class InvalidClaim extends WalletPassError {
  /** @param {string} code @param {string} sentence */
  constructor(code, sentence) {
    super(sentence);
    this.code = code;
  }
}

/** There is no usable trust anchor. */
export class AnchorInvalid extends WalletPassError {
  code = "anchor_invalid";
}
