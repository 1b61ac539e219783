// Does what Python asks on stdin with the modules of an inspector's device, one JSON line each:
//   {"shift": …, "now": n}  → whether it covers that instant
//   {"encrypt": text, "for": JWK}  → a compact JWE
//   {"unwrap": JWE, "with": private JWK, "message": text}  → the HMAC of the message, and whether the key can be read
//   {"secret": Base64, "algorithm": …, "bits": n, "sender": text, "receiver": text}  → the derived key, Base64

import { createInterface } from "node:readline";

import { concatKdf, encryptFor, unwrapDayKey } from "../../verifiers/inspector/app/jwe.js";
import { JweInvalid } from "../../verifiers/inspector/app/errors.js";
import { onDuty } from "../../verifiers/inspector/app/shift.js";

const base64 = (raw) => Buffer.from(raw).toString("base64");

async function unwrap({ unwrap: jwe, with: jwk, message }) {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const ours = await crypto.subtle.importKey("jwk", jwk, curve, false, ["deriveBits"]);
  try {
    const key = await unwrapDayKey(jwe, ours);
    const code = await crypto.subtle.sign("HMAC", key, Buffer.from(message));
    return { code: base64(code), extractable: key.extractable, usages: key.usages };
  } catch (problem) {
    if (problem instanceof JweInvalid) return { refused: problem.code };
    throw problem;
  }
}

async function kdf({ secret, algorithm, bits, sender, receiver }) {
  const [apu, apv] = [sender, receiver].map((name) => Buffer.from(name));
  return base64(await concatKdf(Buffer.from(secret, "base64"), algorithm, bits, apu, apv));
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const answer =
    "shift" in asked
      ? onDuty(asked.shift, asked.now)
      : "encrypt" in asked
        ? await encryptFor(asked.for, asked.encrypt)
        : "unwrap" in asked
          ? await unwrap(asked)
          : await kdf(asked);
  process.stdout.write(JSON.stringify(answer) + "\n");
}
