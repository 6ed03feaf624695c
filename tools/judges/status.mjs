// Reads one licence's standing as a stranger would: the list checked with jose, read with the
// IETF draft's own library. Prints the number that the draft gives the status.
import { createRemoteJWKSet, jwtVerify } from "jose";
import { getListFromStatusListJWT } from "@sd-jwt/jwt-status-list";

const [url, uri, position] = process.argv.slice(2);
const answer = await fetch(`${url}/statuslists/0`);
const token = await answer.text();
const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));
const { payload } = await jwtVerify(token, keys, {
  algorithms: ["ES256"],
  typ: "statuslist+jwt",
  subject: uri,
  requiredClaims: ["iat", "exp", "ttl"],
  currentDate: new Date(Number(process.argv[5]) * 1000),
});
if (answer.headers.get("content-type") !== "application/statuslist+jwt") throw new Error("media type");
if (payload.ttl !== 60 || payload.exp - payload.iat !== 3600) throw new Error("life");
console.log(getListFromStatusListJWT(token).getStatus(Number(position)));
