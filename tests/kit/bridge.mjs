// Lets Python ask the JavaScript gate: a line of JSON in, a line of JSON out.

import { createInterface } from "node:readline";

import { RefusalError } from "../../kit/javascript/src/errors.js";
import { Filed } from "../../kit/javascript/src/addresses/matching.js";
import { looseReadings, looseSpelling } from "../../kit/javascript/src/addresses/readings.js";
import { normaliseSubject, normaliseUrl } from "../../kit/javascript/src/addresses/urls.js";
import { ConfigError, readConfig } from "../../kit/javascript/src/site/config.js";
import { isAsked, nameOf } from "../../kit/javascript/src/site/crawlers.js";
import { Gate } from "../../kit/javascript/src/site/gate.js";
import { PolicySource } from "../../kit/javascript/src/site/policy-source.js";
import { WithheldPages } from "../../kit/javascript/src/site/withheld.js";
import { HeldPolicy } from "../../kit/javascript/src/site/rulings.js";
import { isRsl } from "../../kit/javascript/src/site/rsl.js";
import { Seen } from "../../kit/javascript/src/site/seen.js";
import { MemoryStore } from "../../kit/javascript/src/site/store.js";
import { keySet } from "../../kit/javascript/src/signing/keys.js";
import { covers } from "../../kit/javascript/src/signing/prefixes.js";
import { openSitePolicy } from "../../kit/javascript/src/signing/policy.js";
import { unpackRulings } from "../../kit/javascript/src/signing/site-rulings.js";
import { readPlain } from "../../kit/javascript/src/signing/plain-json.js";

const bearer = { current: async () => "token", refused: () => undefined };
const policies = new Map();

/** Read a policy once for all cases. */
async function held(token, site) {
  if (token === null) return null;
  if (!policies.has(token)) {
    const keys = [await keySet(site.node_jwks), await keySet(site.hub_jwks)];
    policies.set(token, await openSitePolicy(token, ...keys));
  }
  return new HeldPolicy(policies.get(token));
}

function configOf(site, changes = {}) {
  return readConfig({
    version: 1,
    node: site.node,
    member: site.member,
    node_keys: site.node_jwks,
    hub_keys: site.hub_jwks,
    client: { id: "site-1", secret: "secret" },
    origins: site.origins,
    ...changes,
  });
}

/** Ask one gate a few requests, one after the other or all at once; its store may fail at one act. */
async function gate({ site, now, policy, requests, config, isAtOnce, failing }) {
  const [logged, store] = [[], new MemoryStore()];
  if (failing) store[failing] = async () => Promise.reject(new TypeError("no answer"));
  const found = await held(policy, site);
  const one = new Gate({
    config: configOf(site, config),
    policy: { current: () => found },
    store,
    clock: () => now,
    log: (line) => logged.push(line),
  });
  const answer = async ({ method, target, headers }) => {
    logged.length = 0;
    const decision = await one.decide(new Seen({ method, target, headers, address: "192.0.2.1" }));
    const said = { act: decision.act, log: [...logged] };
    if (decision.act === "answer") {
      const { status, headers: sent, body } = decision.answer;
      Object.assign(said, { status, headers: sent, body: new TextDecoder().decode(body) });
    }
    if (decision.act === "serve") {
      const line = JSON.parse(one.line(decision.visit, 200, 7));
      delete line.event_id;
      Object.assign(said, { link: decision.link, line });
    }
    if (decision.act === "pass") said.headers = decision.headers;
    return said;
  };
  if (isAtOnce) return Promise.all(requests.map(answer));
  const answers = [];
  for (const each of requests) answers.push(await answer(each));
  return answers;
}

/** Offer policies to a site, one after the other; say what became of each, and what is kept. */
async function offer({ site, now, policies: offered, restarts = [] }) {
  const store = new MemoryStore();
  const reach = { store, bearer, clock: () => now, log: () => undefined, ask: () => undefined };
  let source = await PolicySource.begin(configOf(site), reach);
  const found = [];
  for (const [at, token] of offered.entries()) {
    if (restarts.includes(at)) source = await PolicySource.begin(configOf(site), reach);
    found.push(await refusalOf(() => source.accept(token, null)));
  }
  return { found, kept: await store.load("policy.jwt") };
}

async function refusalOf(act) {
  try {
    await act();
    return null;
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error;
    return { code: error.code, why: error.reason ?? "" };
  }
}

function keyed(normalise) {
  return ({ texts }) =>
    texts.map((text) => {
      try {
        const { host, path, wildcard } = normalise(text);
        return (wildcard ? "*." : "") + host + path;
      } catch (error) {
        if (!(error instanceof RefusalError)) throw error;
        return null;
      }
    });
}

function plain({ texts }) {
  return texts.map((text) => {
    try {
      return JSON.stringify(readPlain(text)) ?? "";
    } catch {
      return null;
    }
  });
}

function config({ value }) {
  try {
    return readConfig(value);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { refused: error.message };
  }
}

/** Say whether a path is found under a pattern. */
function patternMatches(pattern, path) {
  const filed = new Filed();
  filed.add({ host: "a.example", path: pattern, wildcard: false }, pattern);
  return filed.asWritten({ host: "a.example", path }).length > 0;
}

/** Say why pages are withheld, each strictly and by a loose router; null where rulings are none. */
async function withheld({ rulings, asked }) {
  let pages;
  try {
    pages = new WithheldPages(await unpackRulings(rulings));
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error;
    return null;
  }
  return asked.map(([host, path, use, at]) =>
    [false, true].map((isLoose) => pages.why([{ host, path }], use, at, isLoose)),
  );
}

const acts = {
  config,
  rsl: ({ texts }) => texts.map(isRsl),
  gate,
  offer,
  plain,
  withheld,
  urls: keyed(normaliseUrl),
  subjects: keyed(normaliseSubject),
  patterns: ({ pairs }) => pairs.map(([pattern, path]) => patternMatches(pattern, path)),
  readings: ({ texts }) => texts.map((path) => [...looseReadings(path)]),
  spellings: ({ texts }) => texts.map(looseSpelling),
  covers: ({ pairs }) => pairs.map(([prefix, url]) => covers([prefix], url)),
  names: ({ agents }) => agents.map(nameOf),
  agents: ({ agents, rule }) => agents.map((agent) => isAsked(agent, rule)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...asked } = JSON.parse(line);
  try {
    process.stdout.write(`${JSON.stringify({ ok: await acts[act](asked) })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ defect: String(error?.stack ?? error) })}\n`);
  }
}
