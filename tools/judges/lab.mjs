// A lab's whole way at a hub by stock clients that nobody here has changed: graphql-request for
// GraphQL, oauth4webapi for tokens. Reads what it is told on standard input, and says at last, as
// one line of JSON, what came of it.
// usage: node lab.mjs < {hub, client, secret, urls, use, sites: {host: port}, term, expected, key}
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { GraphQLClient, gql } from 'graphql-request';
import * as oauth from 'oauth4webapi';

const told = JSON.parse(await text(process.stdin));
const INSECURE = { [oauth.allowInsecureRequests]: true }; // http, on loopback

async function accessToken() {
  const issuer = new URL(told.hub);
  const as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...INSECURE }),
  );
  const client = { client_id: told.client };
  const auth = oauth.ClientSecretBasic(told.secret);
  const granted = await oauth.clientCredentialsGrantRequest(as, client, auth, {}, INSECURE);
  return (await oauth.processClientCredentialsResponse(as, client, granted)).access_token;
}

const authorization = `Bearer ${await accessToken()}`;
const hub = new GraphQLClient(`${told.hub}/graphql`, { headers: { authorization } });

async function ask(document, variables) {
  const [answer] = Object.values(await hub.request(document, variables));
  if (answer.__typename === 'Refused') throw new Error(`${answer.code}: ${answer.message}`);
  return answer;
}

const offer = await ask(
  gql`mutation Quote($input: QuoteInput!) {
    requestQuote(input: $input) {
      __typename
      ... on Offer { id fee { minor currency } notCovered { node } }
      ... on Refused { code message } } }`,
  { input: { ...told.term, expected: told.expected } },
);
const { number } = await ask(
  gql`mutation Buy($offer: ID!, $key: String!) {
    acceptOffer(offer: $offer, key: $key) {
      __typename
      ... on Licence { number }
      ... on Refused { code message } } }`,
  { offer: offer.id, key: told.key },
);
for (let pending = true; pending; ) {
  const licence = await ask(
    gql`query Licence($number: String!) {
      licence(number: $number) { registrations { state } } }`,
    { number },
  );
  pending = licence.registrations.some(({ state }) => state === 'PENDING');
  if (pending) await new Promise((resolve) => setTimeout(resolve, 50));
}
const rights = await ask(
  gql`query Rights($urls: [String!]!, $use: String!) {
    rights(urls: $urls, use: $use) { complete items { url status } } }`,
  { urls: told.urls, use: told.use },
);
const open = rights.items.filter(({ status }) => status === 'LICENSABLE').map(({ url }) => url);
const sites = open.map((url) => [`${new URL(url).origin}/`]);
const { tokens } = await ask(
  gql`mutation Tokens($licence: String!, $sites: [[String!]!]!, $uses: [String!]) {
    mintTokens(licence: $licence, sites: $sites, uses: $uses) {
      __typename
      ... on LicenceTokens { tokens }
      ... on Refused { code message } } }`,
  { licence: number, sites, uses: [told.use] },
);

/** Fetch a page; the port stands in for what DNS would say. */
function page(url, token) {
  const { host, pathname } = new URL(url);
  const headers = { host, authorization: `License ${token}`, 'user-agent': 'stock-bot/1.0' };
  const where = { host: '127.0.0.1', port: told.sites[host], path: pathname, headers };
  return new Promise((resolve, reject) => {
    http.get(where, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
  });
}

const statuses = await Promise.all(open.map((url, place) => page(url, tokens[place])));
const lines = open.map((url, place) =>
  JSON.stringify({
    event_id: `stock-${place}`, licence: number, url, use: told.use, units: 1, occurred_at: told.now,
  }),
);
const reported = await fetch(`${told.hub}/usage`, {
  method: 'POST',
  headers: { authorization, 'content-type': 'application/x-ndjson', 'idempotency-key': told.key },
  body: lines.join('\n'),
});
const invoices = await ask(
  gql`{ invoices(first: 100) { edges { node { licence open { minor currency } } } } }`,
);
console.log(
  JSON.stringify({
    fee: offer.fee,
    asked: rights.items.length,
    complete: rights.complete,
    open,
    statuses,
    reported: [reported.status, (await reported.json()).lines],
    invoice: invoices.edges.map(({ node }) => node).find(({ licence }) => licence === number)?.open,
  }),
);
