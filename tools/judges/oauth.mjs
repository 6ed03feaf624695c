// Asks a server for tokens as stock clients do; ends with 1 unless every check of it is passed.
// usage: node oauth.mjs URL TOKEN   (of a licensing officer, who makes the clients)
import assert from 'node:assert/strict';
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

const [url, officer] = process.argv.slice(2);
const INSECURE = { [oauth.allowInsecureRequests]: true }; // http, on loopback
const LAB = 'judge-lab';
const MINE = '{ licences { edges { node { number } } } }';

async function graphql(token, query, variables = {}) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  return errors ? errors[0].extensions.code : Object.values(data)[0];
}

async function issue(publicKey) {
  const made = await graphql(
    officer,
    `mutation($party: String!, $key: String!, $publicKey: String) {
      issueClient(kind: LAB, party: $party, name: "Judge", key: $key, publicKey: $publicKey) {
        ... on GivenCredential { secret client { id } credential { id } }
        ... on Refused { code message } } }`,
    { party: LAB, key: crypto.randomUUID(), publicKey: publicKey && JSON.stringify(publicKey) },
  );
  assert.ok(made.client, JSON.stringify(made));
  return { id: made.client.id, credential: made.credential.id, secret: made.secret };
}

const issuer = new URL(url);
const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...INSECURE }),
);
const jwks = createRemoteJWKSet(new URL(as.jwks_uri));
await graphql(
  officer,
  `mutation($id: String!) { registerLicensee(id: $id, name: "Judge") { __typename } }`,
  { id: LAB },
);
const pair = await generateKeyPair('ES256', { extractable: true });
const withSecret = await issue();
const withKey = await issue(await exportJWK(pair.publicKey));

async function granted(client, auth, parameters = {}, options = {}) {
  const response = await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, {
    ...INSECURE,
    ...options,
  });
  return oauth.processClientCredentialsResponse(as, client, response);
}

async function introspected(client, auth, token) {
  const response = await oauth.introspectionRequest(as, client, auth, token, INSECURE);
  return oauth.processIntrospectionResponse(as, client, response);
}

async function revoked(client, auth, token) {
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, client, auth, token, INSECURE),
  );
}

// How each of the four methods of a credential goes through the whole life of a token.
async function lives(made, auth) {
  const client = { client_id: made.id };
  const got = await granted(client, auth(), { resource: url, scope: 'lab' });
  assert.equal(got.token_type, 'bearer');
  assert.equal(got.expires_in, 3600);
  assert.equal(got.scope, 'lab');
  const token = got.access_token;

  const asked = new Request(`${url}/graphql`, { headers: { Authorization: `Bearer ${token}` } });
  const claims = await oauth.validateJwtAccessToken(as, asked, url, INSECURE);
  assert.equal(claims.client_id, made.id);
  const { payload, protectedHeader } = await jwtVerify(token, jwks, {
    issuer: url,
    audience: url,
    typ: 'at+jwt',
    algorithms: ['ES256'],
  });
  assert.equal(payload.sub, made.id);
  assert.equal(typeof protectedHeader.kid, 'string');
  assert.deepEqual(await graphql(token, MINE), { edges: [] });

  const said = await introspected(client, auth(), token);
  assert.equal(said.active, true);
  assert.equal(said.client_id, made.id);
  assert.equal(said.exp, payload.exp);
  await revoked(client, auth(), token);
  assert.equal((await introspected(client, auth(), token)).active, false);
  assert.equal(await graphql(token, MINE), 'NOT_AUTHENTICATED');
}

async function refusedAs(error, act) {
  await assert.rejects(act, (refusal) => {
    // The body, or where the client used the Authorization header, the challenge.
    const isChallenge = refusal instanceof oauth.WWWAuthenticateChallengeError;
    assert.equal(isChallenge ? refusal.cause[0].parameters.error : refusal.error, error);
    return true;
  });
}

async function livesByOpenidClient(made, secretOrKey, auth) {
  const config = await openid.discovery(issuer, made.id, undefined, auth(secretOrKey), {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  });
  const got = await openid.clientCredentialsGrant(config, { resource: url });
  assert.equal(got.expires_in, 3600);
  const said = await openid.tokenIntrospection(config, got.access_token);
  assert.equal(said.active, true);
  await openid.tokenRevocation(config, got.access_token);
  assert.equal((await openid.tokenIntrospection(config, got.access_token)).active, false);
}

// Sends every request twice, word for word; the answer to the second one is the one returned.
async function twice(...request) {
  const first = await fetch(...request);
  assert.equal(first.status, 200);
  return fetch(...request);
}

const checks = {
  'discovery: the issuer, ES256 alone, no front channel': async () => {
    assert.equal(as.issuer, url);
    assert.deepEqual(as.token_endpoint_auth_signing_alg_values_supported, ['ES256']);
    assert.deepEqual(as.response_types_supported, []);
    assert.equal(as.authorization_endpoint, undefined);
  },
  'oauth4webapi: a secret in the header': () =>
    lives(withSecret, () => oauth.ClientSecretBasic(withSecret.secret)),
  'oauth4webapi: a secret in the body': () =>
    lives(withSecret, () => oauth.ClientSecretPost(withSecret.secret)),
  'oauth4webapi: private_key_jwt': () => lives(withKey, () => oauth.PrivateKeyJwt(pair.privateKey)),
  'openid-client: a secret': () =>
    livesByOpenidClient(withSecret, withSecret.secret, openid.ClientSecretBasic),
  'openid-client: private_key_jwt': () =>
    livesByOpenidClient(withKey, pair.privateKey, openid.PrivateKeyJwt),
  'an assertion is good once': () =>
    refusedAs('invalid_client', () =>
      granted({ client_id: withKey.id }, oauth.PrivateKeyJwt(pair.privateKey), {}, {
        [oauth.customFetch]: twice,
      }),
    ),
  'an assertion of another key is not': async () => {
    const other = await generateKeyPair('ES256');
    await refusedAs('invalid_client', () =>
      granted({ client_id: withKey.id }, oauth.PrivateKeyJwt(other.privateKey)),
    );
  },
  'an assertion for another audience is not': () =>
    refusedAs('invalid_client', () =>
      granted(
        { client_id: withKey.id },
        oauth.PrivateKeyJwt(pair.privateKey, {
          [oauth.modifyAssertion]: (_, payload) => {
            payload.aud = as.token_endpoint;
          },
        }),
      ),
    ),
  'a wrong secret is not': () =>
    refusedAs('invalid_client', () =>
      granted({ client_id: withSecret.id }, oauth.ClientSecretBasic(`${withSecret.secret}x`)),
    ),
  'another scope is not': () =>
    refusedAs('invalid_scope', () =>
      granted({ client_id: withSecret.id }, oauth.ClientSecretPost(withSecret.secret), {
        scope: 'auditor',
      }),
    ),
  'another resource is not': () =>
    refusedAs('invalid_target', () =>
      granted({ client_id: withSecret.id }, oauth.ClientSecretPost(withSecret.secret), {
        resource: 'https://elsewhere.example',
      }),
    ),
  'another client is told nothing of a token': async () => {
    const client = { client_id: withSecret.id };
    const auth = oauth.ClientSecretPost(withSecret.secret);
    const { access_token: token } = await granted(client, auth);
    const other = { client_id: withKey.id };
    const said = await introspected(other, oauth.PrivateKeyJwt(pair.privateKey), token);
    assert.deepEqual(said, { active: false });
    await refusedAs('invalid_grant', () =>
      revoked(other, oauth.PrivateKeyJwt(pair.privateKey), token),
    );
  },
  'a revoked credential ends with its tokens': async () => {
    const made = await issue();
    const client = { client_id: made.id };
    const auth = oauth.ClientSecretBasic(made.secret);
    const { access_token: token } = await granted(client, auth);
    await graphql(
      officer,
      `mutation($id: ID!) { revokeClientCredential(credential: $id) { __typename } }`,
      { id: made.credential },
    );
    assert.equal(await graphql(token, MINE), 'NOT_AUTHENTICATED');
    await refusedAs('invalid_client', () => granted(client, auth));
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
  } catch (error) {
    failed += 1;
    console.log(`  failed: ${name}\n${error.stack}`);
  }
}
const count = Object.keys(checks).length;
console.log(`${url}: ${count - failed} of ${count} checks of OAuth passed`);
process.exit(failed ? 1 : 0);
