// Runs an OpenID provider and signs in at two servers by it, as a browser without scripts does.
// usage: node sign_in.mjs '{issuer, secret, jwk, hub: {url, halves}, node: {url, halves}}'
import assert from 'node:assert/strict';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

const told = JSON.parse(process.argv[2]);
const callback = (server) => `${server.url}/sign-in/callback`;
const signing = await exportJWK((await generateKeyPair('RS256', { extractable: true })).privateKey);
for (const name of ['info', 'warn']) console[name] = () => {}; // it warns of being on loopback

const provider = new Provider(told.issuer, {
  clients: [
    { client_id: 'the hub', client_secret: told.secret, redirect_uris: [callback(told.hub)] },
    {
      client_id: 'the-node',
      redirect_uris: [callback(told.node)],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [told.jwk] },
    },
    { client_id: 'another', client_secret: 'x'.repeat(32), redirect_uris: [callback(told.hub)] },
  ],
  jwks: { keys: [{ ...signing, kid: 'judge', use: 'sig', alg: 'RS256' }] },
  cookies: { keys: ['only for this judgement'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true } },
});
const listening = provider.listen(Number(new URL(told.issuer).port), '127.0.0.1');

class Browser {
  jar = new Map(); // by origin: its cookies

  async open(url, form, headers = {}) {
    const { origin } = new URL(url);
    const known = this.jar.get(origin) ?? new Map();
    const cookie = [...known].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      redirect: 'manual',
      method: form ? 'POST' : 'GET',
      body: form && new URLSearchParams(form),
      headers: { ...(cookie && { cookie }), ...(form && { origin }), ...headers },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      const isOver = value === '' || /max-age=0|expires=Thu, 01 Jan 1970/i.test(line);
      isOver ? known.delete(name) : known.set(name, value);
    }
    this.jar.set(origin, known);
    return { status: response.status, text: await response.text(), url,
      next: response.headers.has('location')
        ? new URL(response.headers.get('location'), url).href : null };
  }

  // Follows redirects and fills in the provider's forms, until a page of a server is reached.
  async walk(url, login, stopAt = () => false) {
    let seen = await this.open(url);
    for (let steps = 0; steps < 20; steps += 1) {
      if (seen.next) {
        if (stopAt(seen.next)) return seen.next;
        seen = await this.open(seen.next);
      } else if (seen.url.startsWith(told.issuer) && seen.text.includes('<form')) {
        const action = /<form[^>]*action="([^"]+)"/.exec(seen.text)[1];
        const prompt = /name="prompt" value="([^"]+)"/.exec(seen.text)[1];
        const form = prompt === 'login' ? { prompt, login, password: 'any' } : { prompt };
        seen = await this.open(new URL(action, seen.url).href, form);
      } else return seen;
    }
    throw new Error('it goes round in circles');
  }

  // Uses an invitation; returns where the page leads to.
  async invited(server, halves = server.halves) {
    const [first, second] = halves;
    const page = await this.open(`${server.url}/sign-in/invitation`,
      { first, second, way: 'provider' });
    const found = /<a href="([^"]+)" autofocus/.exec(page.text);
    return found ? found[1].replaceAll('&amp;', '&') : page;
  }
}

const isCallback = (url) => url.includes('/sign-in/callback?');
const alert = (seen) => /role="alert">([^<.(]*)/.exec(seen.text)?.[1].trim();
const isSignedIn = async (browser, server) =>
  /Signed in as/.test((await browser.open(`${server.url}/session`)).text);

const checks = {};
for (const [name, server] of [['hub', told.hub], ['node', told.node]]) {
  Object.assign(checks, {
    [`${name}: who is not invited is refused`]: async () => {
      const browser = new Browser();
      const seen = await browser.walk(`${server.url}/sign-in/provider`, 'stranger');
      assert.equal(seen.status, 401);
      assert.match(alert(seen), /^Nobody here is known by this account/);
      assert.equal(await isSignedIn(browser, server), false);
    },
    [`${name}: an invitation links a person, who signs in again without one`]: async () => {
      const first = new Browser();
      const joined = await first.walk(await first.invited(server), 'cara-at-provider');
      assert.match(joined.text, /Signed in as <strong>cara/);
      const again = new Browser();
      const seen = await again.walk(`${server.url}/sign-in/provider`, 'cara-at-provider');
      assert.equal(seen.url, `${server.url}/session`);
      assert.match(seen.text, /acting as <strong>auditor/);
      const refused = await new Browser().invited(server);
      assert.equal(refused.status, 401);
    },
    [`${name}: an answer is taken once, in the browser that began, for the state it had`]:
      async () => {
        const browser = new Browser();
        const begin = `${server.url}/sign-in/provider`;
        const answer = await browser.walk(begin, 'cara-at-provider', isCallback);
        const wrong = new URL(answer);
        wrong.searchParams.set('state', 'x'.repeat(43));
        const elsewhere = new Browser();
        await elsewhere.open(begin);
        for (const [who, url] of [[browser, wrong.href], [elsewhere, answer]]) {
          const seen = await who.open(url);
          assert.equal(seen.status, 422);
          assert.match(alert(seen), /^This sign-in was not begun in this browser/);
        }
        assert.equal((await browser.open(answer)).next, `${server.url}/session`);
        assert.equal((await browser.open(answer)).status, 422);
        assert.equal(await isSignedIn(browser, server), true);
        assert.equal(await isSignedIn(elsewhere, server), false);
      },
    [`${name}: a code that was used is refused under a fresh state`]: async () => {
      const browser = new Browser();
      const begin = `${server.url}/sign-in/provider`;
      const used = new URL(await browser.walk(begin, 'cara-at-provider', isCallback));
      await browser.open(used.href);
      const fresh = new URL(await browser.walk(begin, 'cara-at-provider', isCallback));
      fresh.searchParams.set('code', used.searchParams.get('code'));
      const seen = await browser.open(fresh.href);
      assert.equal(seen.status, 422);
      assert.match(alert(seen), /^The provider did not confirm who you are/);
    },
    [`${name}: an answer that names no issuer, or another, is refused`]: async () => {
      for (const issuer of [null, 'https://else.example']) {
        const browser = new Browser();
        const begin = `${server.url}/sign-in/provider`;
        const answer = new URL(await browser.walk(begin, 'cara-at-provider', isCallback));
        assert.equal(answer.searchParams.get('iss'), told.issuer);
        answer.searchParams.delete('iss');
        if (issuer) answer.searchParams.set('iss', issuer);
        assert.equal((await browser.open(answer.href)).status, 422);
        assert.equal(await isSignedIn(browser, server), false);
      }
    },
  });
}
checks['hub: what was said to another client is refused (mix-up)'] = async () => {
  const browser = new Browser();
  const began = (await browser.open(`${told.hub.url}/sign-in/provider`)).next;
  const swapped = new URL(began);
  swapped.searchParams.set('client_id', 'another');
  const answer = await browser.walk(swapped.href, 'cara-at-provider', isCallback);
  const seen = await browser.open(answer);
  assert.equal(seen.status, 422);
  assert.equal(await isSignedIn(browser, told.hub), false);
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
listening.close();
const count = Object.keys(checks).length;
console.log(`oidc-provider: ${count - failed} of ${count} checks of signing in passed`);
process.exit(failed ? 1 : 0);
