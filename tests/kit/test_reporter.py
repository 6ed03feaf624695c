"""How the JavaScript gate hands in usage and keeps its own token, at a node that answers anyhow."""

from tests.kit.javascript import in_node, needs_node

pytestmark = needs_node

REPORTER = """
import { MemoryStore } from "SRC/site/store.js";
import { Reporter } from "SRC/site/reporter.js";
import { UnreachableError } from "SRC/access/wire.js";

const [store, asked, logged] = [new MemoryStore(), [], []];
let [now, refusals] = [0, 0];
let statuses = [];
const reach = {
  store,
  clock: () => now,
  log: (line) => logged.push(line.replace(/[0-9a-f-]{36}/, "ID")),
  bearer: { current: async () => "token", refused: () => (refusals += 1) },
  ask: async (call) => {
    const text = new TextDecoder().decode(call.body);
    asked.push([now, call.headers["idempotency-key"], text, call.headers.authorization]);
    const status = statuses.shift() ?? 200;
    if (status === 0) throw new UnreachableError();
    const body = new TextEncoder().encode('{"code":"NOT_SO","detail":"nobody repeats this"}');
    return { status, headers: new Headers(), body };
  },
};
const reporter = new Reporter(reach, { node: "https://node.example/", seconds: () => now });
const tickAt = async (second) => ((now = second), reporter.tick());
const left = async () => (await store.batches()).length;
"""


def test_a_batch_is_sent_under_one_key_until_the_node_has_it():
    said = in_node(
        REPORTER
        + """
        await store.append("one");
        statuses = [0, 503];
        const taken = [];
        for (const second of [0, 0.5, 1, 2, 3]) taken.push(await tickAt(second));
        console.log(JSON.stringify({ taken, asked, logged, left: await left() }));
        """
    )

    assert said["taken"] == [0, 0, 0, 0, 1]  # a second of pause, then two
    assert [second for second, *_ in said["asked"]] == [0, 1, 3]
    assert {tuple(rest) for _, *rest in said["asked"]} == {
        (said["asked"][0][1], "one\n", "Bearer token")
    }
    assert said["logged"] == [
        "usage batch ID waits: UNREACHABLE: The server did not answer.",
        "usage batch ID was answered HTTP 503 NOT_SO",
    ]
    assert said["left"] == 0


def test_a_batch_that_the_node_refuses_waits_alone_and_stays():
    said = in_node(
        REPORTER
        + """
        await store.append("bad");
        await store.batches();
        await store.append("good");
        statuses = [422];
        const first = await tickAt(0);
        await store.append("more");
        const second = await tickAt(0.5);
        console.log(JSON.stringify([first, second, asked.map(([, , text]) => text), await left()]));
        """
    )

    assert said == [1, 1, ["bad\n", "good\n", "more\n"], 1]


def test_a_token_that_the_node_refuses_is_fetched_anew_and_everything_waits():
    said = in_node(
        REPORTER
        + """
        await store.append("one");
        await store.batches();
        await store.append("two");
        statuses = [401];
        const taken = [await tickAt(0), await tickAt(0.9), await tickAt(1)];
        console.log(JSON.stringify([taken, refusals, asked.length]));
        """
    )

    assert said == [[0, 0, 2], 1, 3]


BEARER = """
import { ClientBearer } from "SRC/access/bearers.js";

const asked = [];
let now = 0;
let answers = [];
const ask = async ({ url, headers, body }) => {
  asked.push([now, url, headers.authorization, body]);
  const [status, said] = answers.shift() ?? [
    200,
    { access_token: `token-${asked.length}`, token_type: "Bearer", expires_in: 3600 },
  ];
  return { status, headers: new Headers(), body: new TextEncoder().encode(JSON.stringify(said)) };
};
const client = { id: "site-1", secret: "s3cret é+/" };
const [server, seconds] = ["https://node.example/", () => now];
const bearer = new ClientBearer(client, { server, ask, seconds });
const at = async (second) => {
  now = second;
  return bearer.current().catch((error) => [error.code, error.told]);
};
"""


def test_a_client_asks_for_a_token_when_the_last_one_is_about_to_end():
    said = in_node(
        BEARER
        + """
        const tokens = [];
        for (const second of [0, 2000, 3100, 3200]) tokens.push(await at(second));
        bearer.refused();
        tokens.push(await at(3201));
        const both = await Promise.all([bearer.refused(), at(3300), at(3300), at(3300)]);
        console.log(JSON.stringify({ tokens, asked, both: both.slice(1) }));
        """
    )

    basic = "Basic c2l0ZS0xOnMzY3JldCslQzMlQTklMkIlMkY="  # RFC 6749, 2.3.1: each part form-encoded
    assert said["tokens"][:2] == ["token-1", "token-1"]
    assert said["tokens"][3] == "token-2"  # between 2,400 and 3,000 seconds, or at its next use
    assert said["tokens"][4] == "token-3"
    assert said["both"] == ["token-4"] * 3
    assert {tuple(rest) for _, *rest in said["asked"]} == {
        ("https://node.example/oauth/token", basic, "grant_type=client_credentials")
    }


def test_a_client_that_is_refused_says_why_asks_later_and_never_names_its_secret():
    said = in_node(
        BEARER
        + """
        answers = [[401, { error: "invalid_client", detail: "s3cret" }]];
        answers.push([200, { access_token: 7 }]);
        const found = [];
        for (const second of [0, 0.5, 1, 2, 3]) found.push(await at(second));
        console.log(JSON.stringify([found, asked.map(([second]) => second)]));
        """
    )

    no = "The server answered, and gave this client no token."
    assert said == [
        [
            ["NO_TOKEN", f"{no} (HTTP 401 invalid_client)"],
            ["NO_TOKEN", f"{no} (HTTP 401 invalid_client)"],
            ["NO_TOKEN", f"{no} (not an answer of RFC 6749)"],
            ["NO_TOKEN", f"{no} (not an answer of RFC 6749)"],
            "token-3",
        ],
        [0, 1, 3],
    ]
