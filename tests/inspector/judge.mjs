// Judges what Python asks on stdin, one JSON line each, and answers in JSON lines in the same order:
//   {"set": name, "anchor": PEM, "refreshes": [{"documents": {path: Base64}, "now": n}, …]}  reads documents
//   {"text": …, "set": name, "now": n}  → the verdict, in the members of verifiers/verdict_document.py
//   {"json": Base64}  → whether strict_json.js reads it, and what it found
// and about plates what plates.mjs says.

import { createInterface } from "node:readline";

import { PublishedDocuments } from "../../verifiers/inspector/src/published.js";
import { NotStrictJson, readObject } from "../../verifiers/inspector/src/strict_json.js";
import { readAnchor } from "../../verifiers/inspector/src/trust.js";
import { verify } from "../../verifiers/inspector/src/verify.js";
import { ANSWERS as ABOUT_PLATES } from "./plates.mjs";

const sets = new Map();
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));

async function read({ anchor, refreshes }) {
  const published = new PublishedDocuments(readAnchor(anchor));
  let set = published.publishedSet();
  for (const { documents, now } of refreshes) {
    const fetched = new Map(Object.entries(documents).map(([path, content]) => [path, bytes(content)]));
    set = await published.refresh(fetched, now);
  }
  return set;
}

function verdictDocument(verdict) {
  return {
    outcome: verdict.outcome,
    reason: verdict.reason,
    pass_type: verdict.passType,
    claims: verdict.claims && Object.fromEntries(verdict.claims),
    steps: verdict.steps.map(([step, result]) => ({ step, result })),
    status_age_seconds: verdict.statusAgeSeconds,
    valid_until: verdict.validUntil,
  };
}

function readJson(raw) {
  try {
    return { read: readObject(bytes(raw)) };
  } catch (problem) {
    if (problem instanceof NotStrictJson) return { read: null };
    throw problem;
  }
}

// A line is answered by the first of these members that it has.
const ANSWERS = {
  ...ABOUT_PLATES,
  text: async ({ text, set, now }) => verdictDocument(await verify(text, sets.get(set), now)),
  json: ({ json }) => readJson(json),
  refreshes: async (asked) => sets.set(asked.set, await read(asked)) && {},
};

// Numbers beyond 2^53 go as text, which Python does the same.
const written = (_, value) =>
  typeof value === "bigint" ? String(value) : value instanceof Map ? Object.fromEntries(value) : value;

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const answer = Object.entries(ANSWERS).find(([member]) => member in asked)[1];
  process.stdout.write(JSON.stringify(await answer(asked), written) + "\n");
}
