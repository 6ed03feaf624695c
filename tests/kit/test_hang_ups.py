"""What one request began and never ended holds up no other: in Workers a client hangs up so."""

import json
from types import SimpleNamespace

import pytest

from tests.kit.javascript import in_node, needs_node
from tests.site.stacks.node import TERMS, site_policy
from tests.site.stacks.runner import config_of
from tests.site.stacks.tokens import bearer

pytestmark = needs_node
NODE = SimpleNamespace(url="https://node.example")

TIME = """
const timers = new Map();
let [now, timerIds] = [0, 0];
globalThis.setTimeout = (act, milliseconds) => {
  timers.set((timerIds += 1), { act, at: now + milliseconds / 1000 });
  return timerIds;
};
globalThis.clearTimeout = (id) => timers.delete(id);
const never = () => new Promise(() => undefined);
/** Let everything happen that can, also in threads of the runtime: until nothing is left to do. */
const flushed = () =>
  new Promise((done) => {
    process.once("beforeExit", done);
    setImmediate(() => undefined);
  });
const passed = async (seconds) => {
  await flushed();
  for (let second = 0; second < seconds; second += 1) {
    now += 1;
    for (const [id, { act, at }] of [...timers]) {
      if (at > now || !timers.delete(id)) continue;
      act();
    }
    await flushed();
  }
};
const states = new Map();
/** Say at which second something ended, and how; null while it has not. */
const watched = (name, work) => {
  states.set(name, null);
  const end = (how) => states.set(name, [now, how]);
  work.then(end, (error) => end(error.code ?? String(error)));
};
const say = (found) => {
  const ended = Object.fromEntries(states);
  console.log(JSON.stringify({ states: ended, timers: timers.size, ...found }));
};
"""

BEARER = """
import { ClientBearer } from "SRC/access/bearers.js";
const asked = [];
const token = { access_token: "token", token_type: "Bearer", expires_in: 3600 };
const body = new TextEncoder().encode(JSON.stringify(token));
const ask = () => {
  asked.push(now);
  return asked.length === 1 ? never() : Promise.resolve({ status: 200, body });
};
const client = { id: "site-1", secret: "secret" };
const server = "https://node.example";
const bearer = new ClientBearer(client, { server, ask, seconds: () => now });
"""


def test_a_token_that_a_gone_request_asked_for_is_asked_for_anew():
    said = in_node(
        f"""{TIME}{BEARER}
        watched("first", bearer.current());
        await passed(3);
        watched("second", bearer.current());
        watched("third", bearer.current());
        await passed(6);
        const before = [...states];
        await passed(1);
        say({{ asked, before }});
        """
    )

    assert said["before"] == [["first", None], ["second", None], ["third", None]]
    assert said["states"] == {
        "first": [10, "UNREACHABLE"],
        "second": [10, "token"],
        "third": [10, "token"],
    }
    assert (said["asked"], said["timers"]) == ([0, 10], 0)


def test_who_comes_later_than_anybody_waits_begins_at_once():
    said = in_node(
        f"""{TIME}{BEARER}
        void bearer.current().catch(() => undefined);
        now = 10;
        watched("second", bearer.current());
        await flushed();
        say({{ asked }});
        """
    )

    assert (said["states"], said["asked"]) == ({"second": [10, "token"]}, [0, 10])


GUESSES = """
import { Guesses } from "SRC/site/guesses.js";
const guesses = new Guesses({ burst: 3, perMinute: 0 }, () => now);
const look = (address, token) => guesses.requireTurn(address, token);
"""


@pytest.mark.parametrize(
    ("addresses", "leaks"), [("192.0.2.1", 3), ("${count}", 60)], ids=["of one address", "of all"]
)
def test_looks_that_nobody_ends_hold_up_others_for_ten_seconds(addresses, leaks):
    said = in_node(
        f"""{TIME}{GUESSES}
        for (let count = 0; count < {leaks}; count += 1) {{
          await look(`{addresses}`, `token ${{count}}`);
        }}
        watched("other", look("192.0.2.1", "another").then(() => "looked at"));
        await flushed();
        await passed(9);
        const before = states.get("other");
        await passed(1);
        watched("next", look("192.0.2.1", "the next").then(() => "looked at"));
        await flushed();
        say({{ before }});
        """
    )

    assert said["before"] is None
    assert said["states"] == {"other": [10, "looked at"], "next": [10, "looked at"]}
    assert said["timers"] == 0


def test_a_verdict_that_comes_too_late_frees_nobody_elses_place():
    said = in_node(
        f"""{TIME}{GUESSES}
        const late = [];
        for (const name of ["a", "b", "c"]) late.push(await look("192.0.2.1", name));
        await passed(10);
        const turns = [];
        for (const name of ["d", "e", "f"]) turns.push(await look("192.0.2.1", name));
        for (const turn of late) guesses.end(turn);
        watched("waiting", look("192.0.2.1", "another").then(() => "looked at"));
        await passed(1);
        const before = states.get("waiting");
        for (const turn of turns) guesses.end(turn);
        await flushed();
        say({{ before }});
        """
    )

    assert (said["before"], said["states"]) == (None, {"waiting": [11, "looked at"]})
    assert said["timers"] == 0


def test_visits_of_which_a_store_says_nothing_are_handed_over_again():
    said = in_node(
        f"""
        import {{ VisitCounts }} from "SRC/site/visits.js";
        {TIME}
        const handed = [];
        let fail;
        const store = {{
          addVisits: (rows) => {{
            handed.push([now, rows.map(({{ agent, count }}) => `${{agent}} ${{count}}`)]);
            return handed.length > 1 ? Promise.resolve() : new Promise((_, no) => (fail = no));
          }},
        }};
        const counts = new VisitCounts({{ store, clock: () => now }});
        counts.refused("GPTBot", "LICENCE_REQUIRED", false);
        counts.addUp().catch(() => undefined);
        now = 29;
        counts.refused("CCBot", "LICENCE_REQUIRED", false);
        await counts.addUp();
        now = 30;
        counts.refused("GPTBot", "LICENCE_REQUIRED", false);
        await counts.addUp();
        fail(new Error("lost"));
        await flushed();
        await counts.addUp();
        say({{ handed }});
        """
    )

    assert said["handed"] == [[0, ["GPTBot 1"]], [29, ["CCBot 1"]], [30, ["GPTBot 2"]]]


KEY = {
    "crv": "P-256",
    "kty": "EC",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
CRAWL_KEY = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@pytest.mark.parametrize(
    ("module", "kind", "jwk"),
    [("keys", "PublicKey", KEY), ("crawl-keys", "CrawlPublicKey", CRAWL_KEY)],
)
def test_a_key_that_a_gone_request_read_is_read_anew(module, kind, jwk):
    said = in_node(
        f"""
        import {{ {kind} }} from "SRC/signing/{module}.js";
        const real = crypto.subtle.importKey.bind(crypto.subtle);
        let imports = 0;
        crypto.subtle.importKey = (...given) =>
          (imports += 1) === 1 ? new Promise(() => undefined) : real(...given);
        const read = () => {kind}.fromJwk({json.dumps(jwk)});
        void read();
        const found = [await read(), await read()];
        console.log(JSON.stringify([found[0] === found[1], imports]));
        """
    )

    assert said == [True, 2]


WORKER = """
import { MemoryStore } from "SRC/site/store.js";
import { createGate } from "SRC/workers/index.js";
const [config, policy, licence, terms] = GIVEN;
const begun = Math.floor(Date.now() / 1000);
const store = new MemoryStore();
const calls = [];
/** What answers, by the end of a path: at its present turn, or as ever. */
const answers = {};
const granted = { access_token: "token", token_type: "Bearer", expires_in: 3600 };
const good = {
  "/oauth/token": () => Response.json(granted),
  "/policy": () => new Response(policy),
  "/license.xml": () => new Response(terms),
};
const fetcher = async (url) => {
  const end = Object.keys(good).find((each) => url.endsWith(each));
  calls.push([end, now]);
  return (answers[end]?.shift() ?? good[end])();
};
const logged = [];
const made = () => createGate({
  config,
  store,
  fetch: fetcher,
  clock: () => begun + now,
  log: (line) => logged.push(line),
});
const headers = { "user-agent": "GPTBot", authorization: `License ${licence}` };
const crawl = async (gate, page = "/news/a") => {
  const asked = new Request(`https://pub.example${page}`, { headers });
  const answer = await gate.handle(asked, () => new Response("A page."));
  await answer.text();
  return answer.status;
};
const asked = (end) => calls.filter(([each]) => each === end).map(([, at]) => at);
"""


def worker(script):
    given = json.dumps([config_of(NODE, "plain"), site_policy(NODE.url), bearer(), TERMS])
    return in_node(WORKER.replace("GIVEN", given) + TIME + script)


def test_a_gate_asks_nobody_before_a_request_comes():
    said = worker("""
        store.load = async (name) => (calls.push([name, now]), null);
        const gate = await made();
        await flushed();
        const before = calls.length;
        const status = await crawl(gate);
        say({ before, status, isAsked: calls.length > 0 });
        """)

    assert (said["before"], said["status"], said["isAsked"], said["timers"]) == (0, 200, True, 0)


def test_what_a_gone_request_read_from_the_store_is_read_anew():
    said = worker("""
        await store.save("policy.jwt", policy);
        const load = store.load.bind(store);
        let loads = 0;
        store.load = (name) => ((loads += 1) === 1 ? never() : load(name));
        for (const end of Object.keys(good)) answers[end] = Array(99).fill(() => Promise.reject());
        const gate = await made();
        watched("first", crawl(gate));
        await passed(3);
        watched("second", crawl(gate));
        await passed(6);
        const before = [...states.values()];
        await passed(1);
        watched("third", crawl(gate));
        await flushed();
        say({ before });
        """)

    assert said["before"] == [None, None]
    assert said["states"]["second"] == [10, 200]
    assert said["states"]["third"] == [10, 200]
    assert said["timers"] == 0


def test_a_policy_that_a_gone_request_pulled_is_pulled_anew():
    said = worker("""
        answers["/policy"] = [never];
        const gate = await made();
        watched("first", crawl(gate));
        await passed(3);
        watched("second", crawl(gate));
        watched("timer", gate.tick());
        await passed(6);
        const before = [...states.values()];
        await passed(1);
        say({ before, pulls: asked("/policy") });
        """)

    assert said["before"] == [None, None, None]
    assert (said["states"]["first"][0], said["states"]["second"]) == (10, [10, 200])
    assert said["states"]["timer"][0] == 10
    assert (said["pulls"], said["timers"]) == ([0, 10], 0)


LOST = "Array(99).fill(() => Promise.reject(new Error('Network connection lost.')))"


@pytest.mark.parametrize("end", ["/policy", "/oauth/token"])
def test_a_worker_without_a_policy_asks_again_within_two_seconds(end):
    said = worker(f"""
        answers["{end}"] = {LOST}.slice(0, 5);
        const gate = await made();
        const found = [];
        for (let second = 0; second < 42; second += 1) {{
          found.push(await crawl(gate));
          await flushed();
          now += 1;
        }}
        say({{ pulls: asked("/policy"), tokens: asked("/oauth/token"), found, logged }});
        """)

    pulls = {"/policy": [0, 1, 3, 5, 7, 9, 39], "/oauth/token": [9, 39]}
    tokens = {"/policy": [0], "/oauth/token": [0, 1, 3, 5, 7, 9]}
    assert (said["pulls"], said["tokens"]) == (pulls[end], tokens[end])
    assert said["found"] == [503] * 9 + [200] * 33
    lost = "UNREACHABLE: The server did not answer. (Error)"
    assert [line for line in said["logged"] if "/news/a" not in line] == [lost]


@pytest.mark.parametrize("end", ["/policy", "/license.xml"])
def test_a_worker_that_holds_a_policy_asks_again_in_growing_pauses(end):
    said = worker(f"""
        await store.save("policy.jwt", policy);
        answers["{end}"] = {LOST}.slice(0, 7);
        const gate = await made();
        for (let second = 0; second < 125; second += 1) {{
          await crawl(gate, "/news/a");
          await flushed();
          now += 1;
        }}
        say({{ pulls: asked("{end}") }});
        """)

    after = {"/policy": [121], "/license.xml": []}
    assert said["pulls"] == [0, 1, 3, 7, 15, 31, 61, 91, *after[end]]


def test_a_process_of_node_asks_again_in_growing_pauses():
    said = in_node(
        f"""
        import {{ Background }} from "SRC/node/background.js";
        {TIME}
        const waited = {{ awaited: [], other: [], rare: [] }};
        let name = "";
        globalThis.setTimeout = (act, milliseconds) => {{
          waited[name].push(milliseconds / 1000);
          if (waited[name].length < 8) queueMicrotask(act);
          return {{ unref: () => undefined }};
        }};
        let rounds = 0;
        const lost = async () => {{
          rounds += 1;
          if (rounds !== 7) throw new Error("lost");
        }};
        const background = new Background(() => undefined);
        for (const [each, every] of [["awaited", 30], ["other", 30], ["rare", 300]]) {{
          [name, rounds] = [each, 0];
          background.every(every, lost, () => each === "awaited");
          await flushed();
        }}
        console.log(JSON.stringify(waited));
        """
    )

    assert said == {
        "awaited": [1, 2, 2, 2, 2, 2, 30, 1],
        "other": [1, 2, 4, 8, 16, 30, 30, 1],
        "rare": [1, 2, 4, 8, 16, 30, 300, 1],
    }
