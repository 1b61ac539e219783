// What judge.mjs answers about plates:
//   {"plate_set": name, "anchor": PEM, "refreshes": [{"trust": Base64 | null, "documents": {path: Base64}, "now": n}, …],
//    "keys": {day: Base64}}  reads lists → {"lists": {day: issued at}}
//   {"plate": …, "of": name, "zones": […], "now": n}  → the answer, in the members of verifiers/plates.py
//   {"plate_text": …}  → how licence_plate.js reads it
//   {"instant": n}  → its local day, and when that ends
//   {"seen": [{"read": [{"char", "confidence"}, …], "dotted", "gap", "begins"}, …]}  → the plates it may be

import { best, readings } from "../../verifiers/inspector/app/plate_picture/proposals.js";
import { readPlate, plateKey } from "../../verifiers/inspector/src/licence_plate.js";
import { InvalidClaim } from "../../verifiers/inspector/src/errors.js";
import { endSecond, localDay } from "../../verifiers/inspector/src/local_day.js";
import { PlateDocuments } from "../../verifiers/inspector/src/plate_documents.js";
import { DAY_KEY } from "../../verifiers/inspector/src/plate_entries.js";
import { PlateLookup } from "../../verifiers/inspector/src/plates.js";
import { readAnchor, readTrustList } from "../../verifiers/inspector/src/trust.js";

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const imported = (key) => crypto.subtle.importKey("raw", bytes(key), DAY_KEY, false, ["sign"]);
const sets = new Map();
const trusts = new Map(); // most sets have the same one

async function trustList(anchor, token, now) {
  const name = `${now} ${token} ${anchor}`;
  if (!trusts.has(name)) trusts.set(name, await readTrustList(bytes(token), readAnchor(anchor), now));
  return trusts.get(name);
}

async function read({ plate_set: name, anchor, refreshes, keys }) {
  const documents = new PlateDocuments();
  let [trust, lists] = [null, new Map()];
  for (const { trust: token, documents: given, now } of refreshes) {
    trust = token === null ? null : await trustList(anchor, token, now);
    const fetched = new Map(Object.entries(given).map(([path, content]) => [path, bytes(content)]));
    lists = await documents.refresh(fetched, trust, now);
  }
  const held = await Promise.all(Object.entries(keys).map(async ([day, key]) => [day, await imported(key)]));
  sets.set(name, new PlateLookup(trust, lists, new Map(held)));
  return { lists: Object.fromEntries([...lists].map(([day, list]) => [day, list.issuedAt])) };
}

async function find({ plate, of, zones, now }) {
  const { outcome, reason, permits, askForPermit, issuedAt } = await sets.get(of).find(plate, zones, now);
  const pairs = permits.map(({ zone, validUntil }) => [zone, validUntil]);
  return { outcome, reason, permits: pairs, ask_for_permit: askForPermit, issued_at: issuedAt };
}

async function refusable(work) {
  try {
    return await work();
  } catch (refusal) {
    if (refusal instanceof InvalidClaim) return { refused: refusal.code };
    throw refusal;
  }
}

function spelt(text) {
  const plate = readPlate(text);
  return { plate, key: plateKey(plate) };
}

export const ANSWERS = {
  plate_set: read,
  plate: (asked) => refusable(() => find(asked)),
  plate_text: (asked) => refusable(() => spelt(asked.plate_text)),
  seen: ({ seen }) => ({ plates: best(readings(seen)) }),
  instant: ({ instant }) => ({ day: localDay(instant), ends: endSecond(localDay(instant)) }),
};
