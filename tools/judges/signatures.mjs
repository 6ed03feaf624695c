// The npm package web-bot-auth signs requests and verifies them: a line of JSON in, a line out.
//   sign:   {act, key, url, headers, components}  -> the headers to add
//   verify: {act, key, url, method, headers}      -> {valid} or {valid, reason}
import readline from 'node:readline';
import { signatureHeaders, verify } from 'web-bot-auth';
import { signerFromJWK, verifierFromJWK } from 'web-bot-auth/crypto';

async function sign({ key, method, url, headers, components }) {
  const created = new Date();
  const expires = new Date(created.getTime() + 60_000);
  const message = { method, url, headers };
  return signatureHeaders(message, await signerFromJWK(key), { created, expires, components });
}

async function check({ key, method, url, headers }) {
  try {
    await verify({ method, url, headers }, await verifierFromJWK(key));
    return { valid: true };
  } catch (error) {
    return { valid: false, reason: error.message };
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  console.log(JSON.stringify(await (asked.act === 'sign' ? sign : check)(asked)));
}
