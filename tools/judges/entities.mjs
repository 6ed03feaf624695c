// A stock OpenID Federation client walks from a node to the hub and back, with keys of its own
// choosing; then one statement is forged, and no chain may be left.
import { resolveTrustChains } from "@openid-federation/core";
import { compactVerify, importJWK } from "jose";

const [hub, node] = process.argv.slice(2);
const verifyJwtCallback = async ({ jwt, jwk }) => {
  try {
    await compactVerify(jwt, await importJWK(jwk, "ES256"), { algorithms: ["ES256"] });
    return true;
  } catch {
    return false;
  }
};
const honest = globalThis.fetch;
const chains = async () => {
  try {
    return await resolveTrustChains({
      entityId: node,
      trustAnchorEntityIds: [hub],
      verifyJwtCallback,
    });
  } catch {
    return [];
  }
};

const [found, ...more] = await chains();
if (!found || more.length) throw new Error("not exactly one chain");
const { resolvedLeafMetadata: metadata } = found;
if (metadata.federation_entity.organization_name !== "Judged node") throw new Error("name");
console.log("@openid-federation/core: one chain from node to hub");

globalThis.fetch = async (url, ...rest) => {
  const answer = await honest(url, ...rest);
  if (!String(url).startsWith(`${hub}/federation/fetch`)) return answer;
  const [head, payload, signature] = (await answer.text()).split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url"));
  claims.metadata.federation_entity.organization_name = "Somebody else";
  const forged = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return new Response(`${head}.${forged}.${signature}`, {
    headers: { "content-type": "application/entity-statement+jwt" },
  });
};
if ((await chains()).length) throw new Error("a forged statement was believed");
console.log("@openid-federation/core: none with a forged statement");
