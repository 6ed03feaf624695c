"""What the JavaScript gate makes of hang-ups, and of stores that fail in any way."""

import json

import pytest

from tests.gate.negative_corpus import CORPUS, SITE
from tests.kit.javascript import bridge, in_node, needs_node
from tests.signing.corpus.forge import signed

pytestmark = needs_node

METERED = """
import { ServerResponse } from "node:http";
import { meter } from "SRC/node/metering.js";
const [lines, visits, logged] = [[], [], []];
const gate = {
  log: (line) => logged.push(line),
  line: (_, status, bytes) => JSON.stringify([status, bytes]),
  countServed: (_, isCounted) => visits.push(isCounted),
  countRefused: (_, { code }) => visits.push(code),
  isObserving: false,
  store: { append: async (line) => void lines.push(line) },
};
const seen = { headers: new Map() };
function answering() {
  const response = new ServerResponse({ method: "GET", httpVersionMajor: 1, httpVersionMinor: 1 });
  return response;
}
const metering = { gate, seen, visit: { ask: { agent: "GPTBot", url: "/" } }, link: "<x>" };
const turn = () => new Promise((done) => setImmediate(done));
function hangUp(response) {
  response.destroyed = true;
  response.emit("close");
}
"""


def metered(script):
    """The lines, visits and log of a script about one answer."""
    return in_node(METERED + script + "console.log(JSON.stringify({ lines, visits, logged }));")


def test_who_hangs_up_while_it_is_judged_took_nothing():
    found = metered("""
        const response = answering();
        hangUp(response);
        meter(response, metering);
        response.write("x".repeat(1000));
        response.end("x");
        await turn();
    """)

    assert found == {"lines": [], "visits": [False], "logged": []}


def test_who_hangs_up_before_the_first_byte_took_nothing():
    found = metered("""
        const response = answering();
        meter(response, metering);
        hangUp(response);
        response.end("x".repeat(1000));
        await turn();
    """)

    assert found == {"lines": [], "visits": [False], "logged": []}


def test_who_hangs_up_in_the_middle_took_what_was_sent_till_then():
    found = metered("""
        const response = answering();
        meter(response, metering);
        response.write("x".repeat(1000));
        hangUp(response);
        response.write("x".repeat(1000));
        response.end();
        await turn();
    """)

    assert found == {"lines": ["[200,1000]"], "visits": [True], "logged": []}


def test_a_hang_up_that_cannot_be_recorded_is_logged_and_ends_no_process():
    found = metered("""
        gate.store.append = async () => { throw new Error("gone"); };
        const response = answering();
        meter(response, metering);
        response.write("x");
        hangUp(response);
        await turn();
    """)

    assert found == {
        "lines": [],
        "visits": ["USAGE_NOT_RECORDED"],
        "logged": ["usage could not be recorded: Error: gone"],
    }


@pytest.mark.parametrize(
    ("failing", "code"), [("hasRoom", "USAGE_NOT_RECORDED"), ("takeNonce", "REPLAY_NOT_CHECKED")]
)
def test_a_store_that_fails_refuses_the_page_and_is_logged_and_stops_no_site_that_observes(
    failing, code
):
    asked = {"site": SITE, "now": CORPUS["now"], "policy": CORPUS["policies"]["good"]}
    asked |= {"requests": [signed()], "failing": failing}
    with bridge() as gate:
        [refused] = gate.ask("gate", **asked)
        [observed] = gate.ask("gate", **asked, config={"mode": "observe"})

    assert (refused["status"], json.loads(refused["body"])["code"]) == (503, code)
    assert refused["log"][0] == "the store: TypeError: no answer"
    assert observed["act"] == "pass"
    assert observed["headers"][1] == ["x-rsl-reason", code.lower()]
