/**
 * The six steps that turn a presented text into a verdict: one function, the same words as `verifiers/verification.py`.
 * Nothing here reads a store, a clock or the network: `published` is what is known, `now` is an argument. The order is
 * that of the Token Status List draft, section 8.3: a credential that already failed never asks for its status.
 *
 * @typedef {import("./decode.js").HolderProof} HolderProof
 * @typedef {import("./decode.js").Presentation} Presentation
 * @typedef {import("./published.js").PublishedSet} PublishedSet
 * @typedef {import("./trust.js").TrustList} TrustList
 * @typedef {import("./trust.js").ListedKey} ListedKey
 * @typedef {import("./types.js").KnownType} KnownType
 * @typedef {import("./verdict.js").Verdict} Verdict
 * @typedef {import("./decode.js").ClaimValue} ClaimValue
 */

import { hex } from "./bytes.js";
import { RESERVED, decode } from "./decode.js";
import { Malformed } from "./errors.js";
import { localDay } from "./local_day.js";
import { CLOCK_TOLERANCE } from "./published.js";
import { holds, importPoint, signedBy } from "./signature.js";
import { Status } from "./status.js";
import {
  Outcome,
  PASSED,
  Reason,
  Step,
  StepResult,
  UNBOUND_PASSED,
  UNDETERMINED_REASONS,
  stepsUntil,
} from "./verdict.js";

export const PROOF_AGE = 30; // seconds that a holder's proof may be old, or seem to come from the future

/**
 * Judge a presented text at `now` (NumericDate). Any text gets a verdict; nothing is thrown.
 * @param {string} text @param {PublishedSet} published @param {number} now @returns {Promise<Verdict>}
 */
export async function verify(text, published, now) {
  // 1 shape: it is what the format promises
  const presented = shape(text);
  if (typeof presented === "string") return stopped(Step.SHAPE, presented);
  // 2 signature: a listed key signed it
  const trust = published.trustList;
  if (trust === null || now >= trust.expiresAt) return stopped(Step.SIGNATURE, Reason.TRUST_LIST_STALE);
  const key = await signature(presented, published);
  if (typeof key === "string") return stopped(Step.SIGNATURE, key);
  // 3 trust: that key may sign this type
  const known = trusted(presented, published, trust, key);
  if (typeof known === "string") return stopped(Step.TRUST, known);
  const claims = known.readableClaims(presented.claims);
  if (claims === null) return stopped(Step.TRUST, Reason.CLAIM_INVALID);
  // 4 validity: now is inside its window
  const invalid = validity(presented, trust, now);
  if (invalid !== null) return stopped(Step.VALIDITY, invalid, { known, claims, presented, age: null });
  // 5 status: not withdrawn, on a fresh enough list
  const [withdrawn, age] = status(presented, published, known, now);
  if (withdrawn !== null) return stopped(Step.STATUS, withdrawn, { known, claims, presented, age });
  // 6 holder: the presenter holds the bound key (a QR code on paper binds none)
  const proof = presented.holderProof;
  const unproved = proof === null ? null : await holder(proof, now);
  if (unproved !== null) return stopped(Step.HOLDER, unproved, { known, claims, presented, age });
  return {
    outcome: Outcome.ACCEPTED,
    reason: Reason.ACCEPTED,
    steps: proof === null ? UNBOUND_PASSED : PASSED,
    passType: known.name,
    claims,
    validUntil: lastValidDay(presented.validUntil),
    statusAgeSeconds: age,
  };
}

/** @param {string} text @returns {Presentation | string} */
function shape(text) {
  if (RESERVED.test(text)) return Reason.UNSUPPORTED_FORMAT;
  try {
    return decode(text);
  } catch (refusal) {
    if (refusal instanceof Malformed) return Reason.MALFORMED;
    throw refusal;
  }
}

/** @param {Presentation} presented @param {PublishedSet} published @returns {Promise<ListedKey | string>} */
async function signature(presented, published) {
  const keys = published.credentialKeys.get(hex(presented.kid));
  if (!keys) return Reason.UNKNOWN_KEY;
  return (await signedBy(keys, presented.signature, presented.message)) ?? Reason.BAD_SIGNATURE;
}

/**
 * @param {Presentation} presented @param {PublishedSet} published @param {TrustList} trust @param {ListedKey} key
 * @returns {KnownType | string}
 */
function trusted(presented, published, trust, key) {
  const name = published.typeNames.get(presented.typeNumber);
  if (name === undefined) return Reason.UNKNOWN_TYPE;
  if (key.passTypes.size && !key.passTypes.has(name)) return Reason.KEY_NOT_ALLOWED;
  const late = key.signUntil !== null && presented.issuedAt > key.signUntil;
  if (presented.issuedAt < key.signFrom || late) return Reason.KEY_OUTSIDE_WINDOW;
  if (presented.issuer !== trust.issuer) return Reason.WRONG_ISSUER;
  return published.knownTypes.get(presented.typeNumber) ?? Reason.TYPE_UNAVAILABLE;
}

/**
 * A signed list from the future proves that our clock is behind, and then an expired pass would look valid.
 * @param {Presentation} presented @param {TrustList} trust @param {number} now @returns {string | null}
 */
function validity(presented, trust, now) {
  if (now >= presented.validUntil) return Reason.EXPIRED;
  if (now < presented.validFrom) return Reason.NOT_YET_VALID;
  return trust.issuedAt > now + CLOCK_TOLERANCE ? Reason.CLOCK_WRONG : null;
}

/**
 * The reason to stop, or null, and the age of the list. INVALID is final, so even an old list says it for good.
 * @param {Presentation} presented @param {PublishedSet} published @param {KnownType} known @param {number} now
 * @returns {[string | null, number | null]}
 */
function status(presented, published, known, now) {
  const reference = presented.status;
  if (reference === null) return [Reason.STATUS_MISSING, null];
  const listed = published.statusLists.get(reference.uri);
  if (!listed) return [Reason.STATUS_UNAVAILABLE, null];
  const age = Math.max(0, now - listed.issuedAt);
  const value = reference.index < listed.length ? listed.value(reference.index) : null;
  if (value === Status.INVALID) return [Reason.REVOKED, age];
  if (age > known.maxStatusAge || now >= listed.expiresAt) return [Reason.STATUS_STALE, age];
  if (value === null) return [Reason.STATUS_OUT_OF_RANGE, age];
  if (value === Status.SUSPENDED) return [Reason.SUSPENDED, age];
  if (value !== Status.VALID) return [Reason.STATUS_UNKNOWN_VALUE, age];
  return [listed.issuedAt > now + CLOCK_TOLERANCE ? Reason.CLOCK_WRONG : null, age];
}

/**
 * The time counts for nothing before the signature over it holds. The point was read as one of the curve.
 * @param {HolderProof} proof @param {number} now @returns {Promise<string | null>}
 */
async function holder(proof, now) {
  if (!(await holds(await importPoint(proof.key), proof.signature, proof.message))) return Reason.BAD_PROOF;
  if (proof.signedAt < now - PROOF_AGE) return Reason.PROOF_STALE;
  return proof.signedAt > now + PROOF_AGE ? Reason.PROOF_EARLY : null;
}

const MAX_DAYS = 1024;
/** @type {Map<number, string>} */
const days = new Map();

/**
 * The last local day (ISO) that ends by `validUntil`, a NumericDate: credentials end with a whole day.
 * @param {number} validUntil
 */
export function lastValidDay(validUntil) {
  const remembered = days.get(validUntil);
  if (remembered) return remembered;
  const found = localDay(validUntil - 1);
  if (days.size >= MAX_DAYS) days.clear();
  days.set(validUntil, found);
  return found;
}

/**
 * @param {string} step @param {string} reason
 * @param {{known: KnownType, claims: Map<string, ClaimValue>, presented: Presentation, age: number | null}} [read]
 * @returns {Verdict}
 */
function stopped(step, reason, read) {
  const unknown = UNDETERMINED_REASONS.has(reason);
  return {
    outcome: unknown ? Outcome.UNDETERMINED : Outcome.REFUSED,
    reason,
    steps: stepsUntil(step, unknown ? StepResult.UNKNOWN : StepResult.FAILED),
    passType: read?.known.name ?? null,
    claims: read?.claims ?? null,
    validUntil: read ? lastValidDay(read.presented.validUntil) : null,
    statusAgeSeconds: read?.age ?? null,
  };
}
