"""What kit/javascript/README.md shows is run as it stands, but for the port and the keys."""

import json
import re
import signal
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.kit.javascript import OLDEST, bridge, in_node, needs_node
from tests.site.stacks.node import a_node
from tests.site.stacks.runner import Server, Stack, config_of, visits
from tests.site.stacks.tokens import bearer, filled, signed

ROOT = Path(__file__).parents[2]
KIT = ROOT / "kit" / "javascript"
JUDGES = ROOT / "tools" / "judges" / "node_modules"
TEXT = (KIT / "README.md").read_text(encoding="utf-8")
CONFIG = json.loads(re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)[0])
NODE, EXPRESS, WORKERS, DURABLE = re.findall(r"```js\n(.*?)```", TEXT, re.DOTALL)
BOT = [("host", "pub.example"), ("user-agent", "GPTBot/1.2")]
needs_express = pytest.mark.skipif(
    not (JUDGES / "express").exists(), reason="make judges installs express"
)
pytestmark = needs_node


@pytest.fixture
def package(tmp_path):
    """A folder in which the kit is installed, as npm would have done it."""
    folder = tmp_path / "node_modules"
    folder.mkdir()
    (folder / "federation-site").symlink_to(KIT)
    (folder / "express").symlink_to(JUDGES / "express")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


@pytest.mark.parametrize(
    "example",
    [pytest.param(NODE, id="node"), pytest.param(EXPRESS, id="express", marks=needs_express)],
)
def test_an_application_on_node_stands_behind_the_gate(package, example):
    main = package / "main.js"
    changed = example.replace("8000", "Number(process.argv[3])").replace(
        '"federation-site.json"', "process.argv[2]"
    )
    assert changed.count("process.argv") == 2
    main.write_text(changed)
    with a_node() as node:
        server = Server(Stack(["node", str(main)]), package, node, "plain")
        server.start()
        server.wait()
        try:
            person = server.ask(
                "GET", "/news/a", [BOT[0], ("user-agent", "Mozilla/5.0 Firefox/140")]
            )
            refused = server.ask("GET", "/news/a", BOT)
            shown = ("authorization", f"License {bearer()}")
            served = server.ask("GET", "/news/a", [*BOT, shown])
        finally:
            server.stop(signal.SIGTERM if example is NODE else signal.SIGKILL)

    assert (person.status, person.body, person.headers.get("link")) == (200, b"A page.\n", None)
    assert (refused.status, json.loads(refused.body)["code"]) == (401, "LICENCE_REQUIRED")
    assert (served.status, served.body) == (200, b"A page.\n")
    assert [line["url"] for line in server.lines()] == ["https://pub.example/news/a"]


@needs_express
def test_a_page_that_express_serves_under_other_names_is_withheld_under_all_of_them(package):
    """Its routers tell neither capitals nor a last `/`; a bound token is for the whole site."""
    main = package / "main.js"
    main.write_text(
        EXPRESS.replace("8000", "Number(process.argv[3])").replace(
            '"federation-site.json"', "process.argv[2]"
        )
    )
    found = {}
    with a_node() as node:
        server = Server(Stack(["node", str(main)]), package, node, "plain")
        server.start()
        server.wait()
        try:
            for path in (
                "/NEWS/a",
                "/news/a/",
                "/NEWS/withheld",
                "/news/Withheld/",
                "/News/A.pdf/",
            ):
                shown = filled([*BOT, ("authorization", "License {bound}")])
                answer = server.ask("GET", path, signed({}, "GET", path, shown))
                is_page = answer.status == 200
                found[path] = answer.body if is_page else json.loads(answer.body)["code"]
        finally:
            server.stop(signal.SIGKILL)

    pages, withheld = dict.fromkeys(list(found)[:2], b"A page.\n"), list(found)[2:]
    assert found == pages | dict.fromkeys(withheld, "WITHHELD")


# What Cloudflare would bring: objects by name, each with a sorted storage, in this one process.
CLOUDFLARE = """
export class DurableObject {
  constructor(ctx) {
    this.ctx = ctx;
  }
}

class Storage {
  #kept = new Map();
  #turn = Promise.resolve();
  async get(key) {
    return structuredClone(this.#kept.get(key));
  }
  async put(key, value) {
    this.#kept.set(key, structuredClone(value));
  }
  async delete(keys) {
    if (keys.length > 128) throw new RangeError("too many keys");
    keys.forEach((key) => this.#kept.delete(key));
  }
  async list({ prefix, end = "\\uffff", limit = Infinity }) {
    const keys = [...this.#kept.keys()].filter((key) => key.startsWith(prefix) && key < end);
    return new Map(keys.sort().slice(0, limit).map((key) => [key, this.#kept.get(key)]));
  }
  transaction(act) {
    const done = this.#turn.then(() => act(this));
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

export const env = {};
export const waitUntil = () => undefined;

export function namespace(kind) {
  const objects = new Map();
  return {
    idFromName: (name) => name,
    get: (name) => {
      if (!objects.has(name)) objects.set(name, new kind({ storage: new Storage() }));
      return objects.get(name);
    },
  };
}
"""


def cloudflare(package):
    """Put the module of the runtime, and the site's object, where an example finds them."""
    folder = package / "node_modules" / "cloudflare-workers"
    folder.mkdir()
    (folder / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
    (folder / "index.js").write_text(CLOUDFLARE)
    shown = DURABLE.replace("cloudflare:workers", "cloudflare-workers")
    begun = 'import { namespace } from "cloudflare-workers";\nenv.SITE ??= namespace(Site);\n'
    (package / "site.js").write_text(f"{shown}\n{begun}")


HARNESS = """
import { env } from "cloudflare-workers";

const [config, token] = process.argv.slice(2);
const site = { fetch: async () => new Response("A page.\\n") };
Object.assign(env, { FEDERATION_SITE: config, site });
const { default: worker } = await import("./worker.js");
const { store } = await import("./site.js");
const found = [];
const person = { "user-agent": "Mozilla/5.0" };
for (const headers of [person, {}, { authorization: `License ${token}` }]) {
  const asked = { headers: { "user-agent": "GPTBot", ...headers } };
  const answer = await worker.fetch(new Request("https://pub.example/news/a", asked));
  found.push([answer.status, await answer.text()]);
}
await worker.scheduled();
found.push((await store.batches()).length);
console.log(JSON.stringify(found));
"""


def test_an_application_at_the_edge_stands_behind_the_gate(package):
    cloudflare(package)
    (package / "worker.js").write_text(WORKERS.replace("cloudflare:workers", "cloudflare-workers"))
    (package / "harness.js").write_text(HARNESS)
    with a_node() as node:
        config = json.dumps(config_of(node, "plain"))
        command = ["node", str(package / "harness.js"), config, bearer()]
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)

        person, refused, served, left = json.loads(said.stdout)

    assert person == [200, "A page.\n"]
    assert (refused[0], json.loads(refused[1])["code"]) == (401, "LICENCE_REQUIRED")
    assert served == [200, "A page.\n"]
    assert (left, [line["url"] for line in node.lines()]) == (0, ["https://pub.example/news/a"])


DURABLE_HARNESS = """
import { createGate } from "federation-site/workers";
import { store } from "./site.js";

const [config, given, signed] = process.argv.slice(2).map((text) => JSON.parse(text));
const gates = [];
for (let place = 0; place < 3; place += 1) {
  gates.push(createGate({ config, store, log: () => undefined }));
}
const ask = async (gate, path, headers) => {
  const request = new Request(`https://pub.example${path}`, { headers });
  const answer = await gate.handle(request, () => new Response("A page."));
  await answer.text();
  return answer.status;
};
const pages = Array.from({ length: 300 }, (_, page) => `/news/${page}`);
const served = await Promise.all(pages.map((page, at) => ask(gates[at % 3], page, given)));
const replays = await Promise.all(gates.map((gate) => ask(gate, "/news/a", signed)));
const batches = await store.batches();
await Promise.all(gates.map((gate) => gate.tick()));
const left = await store.batches();
const reborn = createGate({ config, store, fetch: () => Promise.reject() });
const counts = [served.filter((status) => status === 200).length, replays.sort()];
const last = await ask(reborn, "/news/again", given);
console.log(JSON.stringify([counts, batches.length, left.length, last]));
"""


def test_a_durable_object_keeps_what_a_store_promises(package):
    """Three isolates of one site: each page counted once, a signed request served by one."""
    cloudflare(package)
    (package / "harness.js").write_text(DURABLE_HARNESS)
    given = {"user-agent": "GPTBot", "authorization": f"License {bearer()}"}
    bound = filled([*BOT, ("authorization", "License {bound}")])
    sent = dict(signed({}, "GET", "/news/a", bound))
    with a_node() as node:
        told = [config_of(node, "plain"), given, sent]
        command = ["node", str(package / "harness.js"), *map(json.dumps, told)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert said.returncode == 0, said.stderr

        [served, replays], batches, left, last = json.loads(said.stdout)

    assert (served, replays) == (300, [200, 401, 401])
    assert (batches >= 3, left, last) == (True, 0, 200)
    assert visits(node.visits) == {
        ("GPTBot", "SERVED", False): 301,
        ("GPTBot", "REQUEST_REPLAYED", False): 2,
    }
    assert len({report["series"] for report in node.visits}) == 1
    urls = [line["url"] for line in node.lines()]
    assert (len(urls), len(set(urls))) == (301, 301)


def test_the_configuration_that_is_shown_is_what_it_is_without_saying():
    with bridge() as gate:
        whole = gate.ask("config", value=CONFIG)
        needed = {name: CONFIG[name] for name in list(CONFIG)[: list(CONFIG).index("directory")]}

        assert gate.ask("config", value=needed) == whole
        assert whole.keys() >= {"mode", "unit", "proxies", "crawlers", "directory"}


KIT_SAID = """
import { KIT } from "SRC/site/visit-teller.js";
console.log(JSON.stringify(KIT));
"""


def test_the_package_needs_nothing_and_has_what_it_names():
    package = json.loads((KIT / "package.json").read_text("utf-8"))
    python = tomllib.loads((ROOT / "kit" / "python" / "pyproject.toml").read_text("utf-8"))
    modules = [path.read_text("utf-8") for path in (KIT / "src").rglob("*.js")]
    imported = {
        name
        for text in modules
        for name in re.findall(r'^(?:import|\} from) .*?"(.*?)"', text, re.MULTILINE)
    }

    assert not [name for name in package if "ependencies" in name or name == "scripts"]
    assert package["version"] == python["project"]["version"]
    assert in_node(KIT_SAID) == f"federation-site for JavaScript {package['version']}"
    assert all((KIT / path).is_file() for path in package["exports"].values())
    assert {name for name in imported if not name.startswith((".", "node:"))} == set()


def test_node_is_asked_for_as_the_package_says():
    engines = json.loads((KIT / "package.json").read_text("utf-8"))["engines"]["node"]

    assert engines == f">={OLDEST}"
