/**
 * The key that a credential is bound to: an uncompressed point on P-256, and its one spelling in the claim `cnf`.
 * Sources: RFC 8747 section 3.1 (cnf with a COSE_Key), RFC 9053 section 7.1.1 (EC2 keys), SEC 1 section 2.3.3.
 */

import { concat, hex } from "./bytes.js";
import { Malformed } from "./errors.js";

const COORDINATE = 32; // bytes
const COSE_KEY = 1; // the member of cnf that holds a COSE_Key
const [KTY, CRV, X, Y] = [1, -1, -2, -3];
const [EC2, P256] = [2, 1];
const UNCOMPRESSED = Uint8Array.of(4);
// The curve y² = x³ − 3x + b over the field of P elements (SP 800-186 section 3.2.1.3).
const P = (1n << 256n) - (1n << 224n) + (1n << 192n) + (1n << 96n) - 1n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/**
 * The point (65 bytes) in a decoded `cnf`, checked to lie on the curve; throws `Malformed` for any other value.
 * @param {unknown} value @returns {Uint8Array}
 */
export function fromConfirmation(value) {
  const key = value instanceof Map && value.size === 1 ? value.get(COSE_KEY) : null;
  if (!(key instanceof Map) || key.size !== 4 || key.get(KTY) !== EC2 || key.get(CRV) !== P256) {
    throw new Malformed("The credential is not bound to exactly one key on the curve P-256.");
  }
  const [x, y] = [key.get(X), key.get(Y)];
  if (!isCoordinate(x) || !isCoordinate(y) || !onCurve(x, y)) {
    throw new Malformed("The holder's key is no point of the curve P-256.");
  }
  return concat([UNCOMPRESSED, x, y]);
}

/** @param {unknown} value @returns {value is Uint8Array} */
const isCoordinate = (value) => value instanceof Uint8Array && value.length === COORDINATE;

/** @param {Uint8Array} xBytes @param {Uint8Array} yBytes @returns {boolean} */
function onCurve(xBytes, yBytes) {
  const [x, y] = [BigInt(`0x${hex(xBytes)}`), BigInt(`0x${hex(yBytes)}`)];
  return x < P && y < P && (y * y - (x * x - 3n) * x - B) % P === 0n;
}
