// Verdicts per second beside raw WebCrypto verifications per second, interleaved; see bench/measuring.py.
// In on stdin: {anchor, documents, texts, now}; out: {rounds: [[verdicts/s, verifications/s], …], peak: MB}.

import { text } from "node:stream/consumers";

import { PublishedDocuments } from "../verifiers/inspector/src/published.js";
import { readAnchor } from "../verifiers/inspector/src/trust.js";
import { verify } from "../verifiers/inspector/src/verify.js";

const ROUNDS = 15;
const { anchor, documents, texts, now } = JSON.parse(await text(process.stdin));
const fetched = Object.entries(documents).map(([path, raw]) => [path, new Uint8Array(Buffer.from(raw, "base64"))]);
const published = await new PublishedDocuments(readAnchor(anchor)).refresh(new Map(fetched), now);

const ES256 = { name: "ECDSA", hash: "SHA-256" };
const key = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
const message = new Uint8Array(250);
const signature = await crypto.subtle.sign(ES256, key.privateKey, message);

async function verdicts() {
  for (const presented of texts) {
    const { outcome } = await verify(presented, published, now);
    if (outcome !== "accepted") throw new Error(outcome);
  }
}

async function verifications() {
  for (const _ of texts) await crypto.subtle.verify(ES256, key.publicKey, signature, message);
}

async function rate(work) {
  const start = performance.now();
  await work();
  return (texts.length * 1000) / (performance.now() - start);
}

const rounds = [];
for (let n = 0; n <= ROUNDS; n++) rounds.push([await rate(verdicts), await rate(verifications)]);
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(JSON.stringify({ rounds: rounds.slice(1), peak })); // the first round warms up
