/**
 * The answer of a check: an outcome, always with a reason, and what each of the six steps found. The words of
 * `walletpass/verdict.py`. "I cannot know" is an answer of its own, and a network error is never "revoked".
 *
 * @typedef {import("./decode.js").ClaimValue} ClaimValue
 * @typedef {readonly (readonly [string, string])[]} Steps all six, in order, each with its result
 *
 * @typedef {object} Verdict `claims` is null unless the signature holds and the key may sign that type.
 * @property {string} outcome
 * @property {string} reason
 * @property {Steps} steps
 * @property {string | null} passType
 * @property {ReadonlyMap<string, ClaimValue> | null} claims
 * @property {string | null} validUntil the last valid day, ISO
 * @property {number | null} statusAgeSeconds the age of the status list used
 */

export const Outcome = Object.freeze({ ACCEPTED: "accepted", REFUSED: "refused", UNDETERMINED: "undetermined" });

export const Step = Object.freeze({
  SHAPE: "shape",
  SIGNATURE: "signature",
  TRUST: "trust",
  VALIDITY: "validity",
  STATUS: "status",
  HOLDER: "holder",
});

export const StepResult = Object.freeze({
  PASSED: "passed",
  FAILED: "failed",
  UNKNOWN: "unknown",
  NOT_CHECKED: "not_checked",
});

export const Reason = Object.freeze({
  ACCEPTED: "accepted",
  MALFORMED: "malformed",
  UNSUPPORTED_FORMAT: "unsupported_format",
  UNKNOWN_KEY: "unknown_key",
  BAD_SIGNATURE: "bad_signature",
  UNKNOWN_TYPE: "unknown_type",
  WRONG_ISSUER: "wrong_issuer",
  KEY_NOT_ALLOWED: "key_not_allowed",
  KEY_OUTSIDE_WINDOW: "key_outside_window",
  CLAIM_INVALID: "claim_invalid",
  NOT_YET_VALID: "not_yet_valid",
  EXPIRED: "expired",
  REVOKED: "revoked",
  SUSPENDED: "suspended",
  STATUS_MISSING: "status_missing",
  STATUS_OUT_OF_RANGE: "status_out_of_range",
  STATUS_UNKNOWN_VALUE: "status_unknown_value",
  STATUS_UNAVAILABLE: "status_unavailable",
  STATUS_STALE: "status_stale",
  TRUST_LIST_STALE: "trust_list_stale",
  TYPE_UNAVAILABLE: "type_unavailable",
  CLOCK_WRONG: "clock_wrong",
  BAD_PROOF: "bad_proof",
  PROOF_STALE: "proof_stale",
  PROOF_EARLY: "proof_early",
});

/** @type {ReadonlySet<string>} */
export const UNDETERMINED_REASONS = new Set([
  Reason.STATUS_UNAVAILABLE,
  Reason.STATUS_STALE,
  Reason.TRUST_LIST_STALE,
  Reason.TYPE_UNAVAILABLE,
  Reason.CLOCK_WRONG,
]);

const STEPS = Object.values(Step);

/** All six when nothing stopped. @type {Steps} */
export const PASSED = Object.freeze(stepsUntil(Step.HOLDER, StepResult.PASSED));
/** The same for a QR code on paper, which binds no holder. @type {Steps} */
export const UNBOUND_PASSED = Object.freeze(stepsUntil(Step.HOLDER, StepResult.NOT_CHECKED));

/** All six when `stopped` was the last one asked. @param {string} stopped @param {string} result @returns {Steps} */
export function stepsUntil(stopped, result) {
  const at = STEPS.indexOf(/** @type {any} */ (stopped));
  return STEPS.map((step, n) => [step, n < at ? StepResult.PASSED : n === at ? result : StepResult.NOT_CHECKED]);
}
