"""The JavaScript gate's stores take a nonce once, also where the clock is set back."""

import pytest

from tests.kit.javascript import in_node, needs_node

pytestmark = needs_node

STORES = {
    "memory": """
        import { MemoryStore } from "SRC/site/store.js";
        const store = new MemoryStore();
        const stores = [store];
    """,
    "disk": """
        import { DiskStore } from "SRC/node/disk-store.js";
        const stores = [new DiskStore("FOLDER"), new DiskStore("FOLDER")];
        const [store] = stores;
    """,
    "durable": """
        import { SiteStorage, durableStore } from "SRC/workers/durable-store.js";
        const kept = new Map();
        const storage = {
          get: async (key) => structuredClone(kept.get(key)),
          put: async (key, value) => void kept.set(key, structuredClone(value)),
          delete: async (keys) => keys.forEach((key) => kept.delete(key)),
          transaction: (act) => act(storage),
          list: async ({ prefix, end, limit = Infinity }) => {
            const found = [...kept].filter(([key]) => key.startsWith(prefix));
            const before = found.filter(([key]) => end === undefined || key < end);
            return new Map(before.sort(([one], [other]) => (one < other ? -1 : 1)).slice(0, limit));
          },
        };
        const stores = [0, 1].map(() => durableStore(() => new SiteStorage(storage)));
        const [store] = stores;
    """,
}
HEAD = """
const NOON = 1_800_000_000;
const taken = (store, nonce, forgottenAt, at, lab = "lab") =>
  store
    .takeNonce({ keyId: "key", nonce, forgottenAt: NOON + forgottenAt }, lab, NOON + at)
    .then(() => "taken", (error) => error.code + (error.detail && `: ${error.detail}`));
"""


def run(store, folder, script):
    return in_node(STORES[store].replace("FOLDER", str(folder)) + HEAD + script)


@pytest.mark.parametrize("store", STORES)
def test_a_clock_that_was_ahead_and_is_set_back_lets_nothing_be_served_again(store, tmp_path):
    """What was dropped meanwhile is refused, by each process; others are not."""
    said = run(
        store,
        tmp_path,
        """
        const before = [
          await taken(store, "first", 120, 0),
          await taken(store, "first", 120, 0),
          await taken(store, "ahead", 301, 180),
        ];
        const after = [];
        for (const each of stores) {
          for (const [nonce, end] of [["first", 120], ["another", 120], ["ahead", 301]]) {
            after.push(await taken(each, nonce, end, 0));
          }
        }
        console.log(JSON.stringify([before, after, await taken(store, "later", 181, 1)]));
        """,
    )

    lost = "REPLAY_NOT_CHECKED: the clock was set back"
    each = [lost, lost, "REQUEST_REPLAYED"]
    times = 1 if store == "memory" else 2
    assert said == [["taken", "REQUEST_REPLAYED", "taken"], each * times, "taken"]


@pytest.mark.parametrize("store", STORES)
def test_a_nonce_is_kept_until_a_minute_after_its_signature_is_refused_anyway(store, tmp_path):
    said = run(
        store,
        tmp_path,
        """
        const found = [await taken(store, "first", 120, 0), await taken(store, "x", 300, 179)];
        found.push(await taken(stores.at(-1), "first", 120, 0));
        console.log(JSON.stringify(found));
        """,
    )

    assert said == ["taken", "taken", "REQUEST_REPLAYED"]


def test_what_the_disk_refuses_is_not_remembered_as_taken(tmp_path):
    said = run(
        "disk",
        tmp_path,
        """
        import * as fs from "node:fs";
        fs.writeFileSync("FOLDER/nonces", "");
        const found = [await taken(store, "first", 120, 0)];
        fs.rmSync("FOLDER/nonces");
        for (const each of stores) found.push(await taken(each, "first", 120, 0));
        console.log(JSON.stringify(found));
        """.replace("FOLDER", str(tmp_path)),
    )

    assert said == ["REPLAY_NOT_CHECKED: Not a directory", "taken", "REQUEST_REPLAYED"]


def test_a_minute_that_cannot_be_looked_at_refuses_what_it_might_hold(tmp_path):
    """A folder of another user: here one that leads nowhere, which no rights open."""
    said = run(
        "disk",
        tmp_path,
        """
        import * as fs from "node:fs";
        await taken(store, "first", 120, 0);
        const strange = `FOLDER/nonces/${NOON / 60 + 3}`;
        fs.symlinkSync(strange, strange);
        console.log(JSON.stringify([await taken(store, "second", 120, 0)]));
        """.replace("FOLDER", str(tmp_path)),
    )

    assert said == ["REPLAY_NOT_CHECKED: Too many symbolic links encountered"]
