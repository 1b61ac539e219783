// A phone's browser in Node: writes its public key, then reads {credential, times} and writes a live code for each time.

import { createInterface } from "node:readline";

import { fromBase64url, liveCode, makeKey, publicJwk } from "../../../issuers/residents/live_code.js";

const key = await makeKey();
let extractable = true;
await crypto.subtle.exportKey("pkcs8", key.privateKey).catch(() => (extractable = false));
console.log(JSON.stringify({ jwk: await publicJwk(key), extractable }));
for await (const line of createInterface({ input: process.stdin })) {
  const { credential, times } = JSON.parse(line);
  const codes = [];
  for (const time of times) codes.push(await liveCode(fromBase64url(credential), time, key.privateKey));
  console.log(JSON.stringify(codes));
  break;
}
