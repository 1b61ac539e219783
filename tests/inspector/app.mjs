// Asks the app's own modules what Python wants to know, one JSON line each: {"call": [module, name, ...arguments]}.

import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const [module, name, ...given] = JSON.parse(line).call;
  const found = await import(`../../verifiers/inspector/app/${module}`);
  process.stdout.write(`${JSON.stringify(found[name](...given) ?? null)}\n`);
}
