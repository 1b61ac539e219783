// Answers about cars per second beside the slow digest alone (PBKDF2), interleaved; see bench/measuring.py.
// In on stdin: {anchor, trust, documents, keys, plates, now}; out: {rounds: [[answers/s, digests/s], …], peak: MB}.

import { text } from "node:stream/consumers";

import { PlateDocuments } from "../verifiers/inspector/src/plate_documents.js";
import { DAY_KEY, stretched } from "../verifiers/inspector/src/plate_entries.js";
import { PlateLookup } from "../verifiers/inspector/src/plates.js";
import { readAnchor, readTrustList } from "../verifiers/inspector/src/trust.js";

const ROUNDS = 15;
const asked = JSON.parse(await text(process.stdin));
const { plates, now } = asked;
const bytes = (raw) => new Uint8Array(Buffer.from(raw, "base64"));
const imported = (raw) => crypto.subtle.importKey("raw", bytes(raw), DAY_KEY, false, ["sign"]);
const each = async (found, work) =>
  Promise.all(Object.entries(found).map(async ([name, it]) => [name, await work(it)]));

const trust = await readTrustList(bytes(asked.trust), readAnchor(asked.anchor), now);
const lists = await new PlateDocuments().refresh(new Map(await each(asked.documents, bytes)), trust, now);
const lookup = new PlateLookup(trust, lists, new Map(await each(asked.keys, imported)));
const [{ salt, iterations }] = lists.values();

async function answers() {
  for (const plate of plates) {
    const { outcome } = await lookup.find(plate, [], now);
    if (outcome === "undetermined") throw new Error(outcome);
  }
}

async function digests() {
  for (const plate of plates) await stretched(plate, salt, iterations);
}

/** Per second of processor time, the pool of WebCrypto's threads included. */
async function rate(work) {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (plates.length * 1e6) / (user + system);
}

const rounds = [];
for (let n = 0; n <= ROUNDS; n++) rounds.push([await rate(answers), await rate(digests)]);
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(JSON.stringify({ rounds: rounds.slice(1), peak })); // the first round warms up
