"""How the JavaScript gate comes to its policy where it has none, and what it makes of capitals."""

import json
from types import SimpleNamespace

from tests.kit.javascript import in_node, needs_node
from tests.site.stacks.node import site_policy
from tests.site.stacks.runner import config_of

pytestmark = needs_node
NODE = SimpleNamespace(url="https://node.example")

HEAD = """
import { readConfig } from "SRC/site/config.js";
import { Gate } from "SRC/site/gate.js";
import { PolicySource } from "SRC/site/policy-source.js";
import { Seen } from "SRC/site/seen.js";
import { MemoryStore } from "SRC/site/store.js";
import { Terms } from "SRC/site/terms.js";

const config = readConfig(CONFIG);
const policy = POLICY;
const logged = [];
const log = (line) => logged.push(line);
const store = new MemoryStore();
let loads = 0;
const load = store.load.bind(store);
store.load = (name) => ((loads += 1), load(name));
let now = Date.now() / 1000;
const ask = () => Promise.reject(new Error("nobody is asked"));
const reach = { store, log, ask, clock: () => now, bearer: {} };
const say = (found) => console.log(JSON.stringify({ logged, ...found }));
"""


def run(script, **changes):
    config = json.dumps({**config_of(NODE, "plain"), **changes})
    policy = json.dumps(site_policy(NODE.url))
    return in_node(HEAD.replace("CONFIG", config).replace("POLICY", policy) + script)


def test_a_process_without_a_policy_takes_the_one_that_another_has_kept_since():
    """Looked for when a crawler comes, and once a second, however many do."""
    said = run("""
        const source = await PolicySource.begin(config, reach);
        const gate = new Gate({ config, policy: source, store, clock: () => now, log });
        const shown = ["authorization", "License x"];
        const headers = [["host", "pub.example"], ["user-agent", "GPTBot"], shown];
        const seen = new Seen({ method: "GET", target: "/news/a", headers, address: "192.0.2.1" });
        const status = async () => (await gate.decide(seen)).answer.status;
        const found = [await status()];
        await store.save("policy.jwt", policy);
        loads = 0;
        for (let count = 0; count < 100; count += 1) found.push(await status());
        const looked = loads;
        now += 1;
        found.push(await status());
        say({ found: [...new Set(found.slice(0, -1))], last: found.at(-1), looked });
        """)

    assert (said["found"], said["last"], said["looked"]) == ([503], 401, 0)


def test_one_that_is_not_ours_is_set_aside_and_said_once():
    said = run("""
        await store.save("policy.jwt", policy.slice(0, -4));
        const source = await PolicySource.begin(config, reach);
        for (let count = 0; count < 3; count += 1) {
          now += 1;
          await source.look();
        }
        say({ held: source.current() });
        """)

    assert said["held"] is None
    assert len(said["logged"]) == 1
    assert said["logged"][0].startswith("the policy that was kept is set aside: INVALID_TOKEN")


def test_what_cannot_be_read_where_it_was_kept_ends_nothing():
    said = run("""
        store.load = () => Promise.reject(new Error("EACCES"));
        const source = await PolicySource.begin(config, reach);
        const terms = new Terms(config, reach);
        await terms.load();
        await source.accept(policy, null);
        say({ isHeld: source.current() !== null, terms: terms.current() });
        """)

    assert (said["isHeld"], said["terms"]) == (True, None)
    assert said["logged"] == [
        f"{name} cannot be read where it was kept: Error: EACCES"
        for name in ("keys.json", "policy.jwt", "license.xml")
    ]


LOOSE = {  # a path of a page, whether it is withheld: as it is written, and with loose routing
    "/news/withheld": (True, True),
    "/NEWS/Withheld": (True, True),
    "/news/withheld/": (True, True),
    "/News/withheld/part": (True, True),
    "/news/withheld-not": (False, False),
    "/a.pdf": (True, True),
    "/A.PDF": (True, True),
    "/a.pdf/": (False, True),
    "/a.pdfs": (False, False),
    "/news/caf%C3%A9": (True, True),
    "/NEWS/CAF%C3%A9/": (True, True),
    "/": (False, False),
}


def test_what_is_withheld_is_so_under_every_name_that_a_loose_router_knows():
    said = run(f"""
        const source = await PolicySource.begin(config, reach);
        await source.accept(policy, null);
        const held = source.current();
        const host = "pub.example";
        const is = (path, loose) => held.whyWithheld([{{ host, path }}], "x", now, loose) !== null;
        const found = {json.dumps(list(LOOSE))}.map((path) => [is(path, false), is(path, true)]);
        say({{ found }});
        """)

    assert dict(zip(LOOSE, map(tuple, said["found"]), strict=True)) == LOOSE


def test_crawlers_that_upgrade_are_refused_and_by_a_site_that_observes_let():
    script = """
        const gate = new Gate({ config, policy: { current: () => null }, store, log });
        const closes = (agent, target) => {
          const headers = [["user-agent", agent]];
          return gate.closes(new Seen({ method: "GET", target, headers, address: "" }));
        };
        const person = ["/", "/license.xml"].map((target) => closes("Mozilla/5.0", target));
        say({ found: [closes("GPTBot", "/"), ...person] });
        """

    assert run(script)["found"] == [True, False, False]
    assert run(script, mode="observe")["found"] == [False, False, False]
