// The committed vectors, judged by the inspector's modules; prints every case with another verdict and ends with 1.
// Usage: node vectors.mjs <folder of the vectors>. The files are read as tests/vectors/make_vectors.py says.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { PublishedDocuments } from "../../verifiers/inspector/src/published.js";
import { readAnchor } from "../../verifiers/inspector/src/trust.js";
import { verify } from "../../verifiers/inspector/src/verify.js";

const folder = process.argv[2];
const text = (name) => readFile(join(folder, name), "utf8");
const [anchor, published, cases] = [
  readAnchor(await text("anchor.pem")),
  JSON.parse(await text("published.json")),
  JSON.parse(await text("cases.json")),
];
const STOPS = { refused: "failed", undetermined: "unknown" };
const sets = new Map();

async function publishedSet(name, readAt) {
  const known = `${readAt} ${name}`;
  if (!sets.has(known)) {
    const forms = Object.entries({ ...published.whole, ...published[name] }).filter(([, form]) => form !== null);
    const documents = new Map(forms.map(([path, form]) => [path, bytes(form)]));
    sets.set(known, await new PublishedDocuments(anchor).refresh(documents, readAt));
  }
  return sets.get(known);
}

function bytes(form) {
  return new Uint8Array(typeof form === "string" ? Buffer.from(form) : Buffer.from(form.base64, "base64"));
}

let wrong = 0;
for (const { name, text: presented, published: set, read_at: readAt, now, outcome, reason, step } of cases) {
  const verdict = await verify(presented, await publishedSet(set, readAt), now);
  const stop = verdict.steps.find(([, result]) => result === STOPS[verdict.outcome]);
  const found = [verdict.outcome, verdict.reason, stop ? stop[0] : null].join(" ");
  const expected = [outcome, reason, step].join(" ");
  if (found !== expected) {
    wrong += 1;
    console.log(`${name}: ${found} instead of ${expected}`);
  }
}
console.log(`${cases.length - wrong} of ${cases.length} vectors`);
process.exitCode = wrong ? 1 : 0;
