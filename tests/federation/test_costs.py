"""What a document costs is said in its answer, kept in a quota, and refused beyond a limit."""

from contextlib import contextmanager

import msgspec
import pytest

from federation.quotas import Quota
from federation.values.party import HUB
from tests.federation.callers import call_token, entity
from tests.federation.harness import nothing_changes, send, tell
from tests.still_quotas import still

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = "query($n: Int!) { licences(first: $n) { edges { node { number } } } }"
COLLECTIVES = "{ collectives { code } }"
REGISTER = """mutation { registerLicensee(id: "lab-x", name: "X") { __typename } }"""


@contextmanager
def quotas(small, code, **given):
    """Let a server have other quotas for a while, in whose time nothing is won back."""
    server = small.keepers[code].service.server
    kept, server.quotas = server.quotas, still(given)
    try:
        yield
    finally:
        server.quotas = kept


def codes(answer):
    return [error["extensions"]["code"] for error in answer.body["errors"]]


async def test_an_answer_says_what_it_cost_and_what_is_left(settled):
    lab = settled.lab("lab-one")
    with quotas(settled, HUB, cost=Quota(100, 1), anonymous_cost=Quota(50, 1)):
        first = await tell(settled, HUB, lab, PAGE, n=10)
        second = await tell(settled, HUB, lab, PAGE, n=3)
        nobody = await tell(settled, HUB, None, COLLECTIVES)

    assert first.body["extensions"] == {"cost": {"requested": 21, "limit": 100, "left": 79}}
    assert second.body["extensions"] == {"cost": {"requested": 7, "limit": 100, "left": 72}}
    assert nobody.body["extensions"] == {"cost": {"requested": 10, "limit": 50, "left": 40}}


async def test_a_document_that_costs_more_than_the_limit_is_refused_for_good(settled):
    lab = settled.lab("lab-one")
    with quotas(settled, HUB, cost=Quota(20, 1)):
        refused = await tell(settled, HUB, lab, PAGE, n=10)
        good = await tell(settled, HUB, lab, PAGE, n=9)

    assert refused.status == 200
    assert refused.body["errors"][0]["message"] == (
        "The document costs more than one may; ask for shorter pages, or for less of each entry. "
        "(it costs 21, and 20 is the limit)"
    )
    assert (codes(refused), "data" in refused.body) == (["COST_TOO_HIGH"], False)
    assert good.body["extensions"]["cost"] == {"requested": 19, "limit": 20, "left": 1}


async def test_who_has_used_up_its_quota_comes_again_later_and_alone(settled):
    with quotas(settled, HUB, cost=Quota(25, 60)):
        await tell(settled, HUB, settled.lab("lab-one"), PAGE, n=10)
        later = await tell(settled, HUB, settled.lab("lab-one"), PAGE, n=10)
        other = await tell(settled, HUB, settled.lab("lab-two"), PAGE, n=10)

    assert (later.status, codes(later)) == (429, ["TOO_MANY_REQUESTS"])
    assert other.body["extensions"]["cost"]["left"] == 4


async def test_a_mutation_that_is_refused_by_its_cost_writes_nothing(settled):
    licensing = settled.at(HUB, "licensing")
    many = " ".join(f"a{n}: {REGISTER[11:-2]}" for n in range(3))
    async with nothing_changes(settled, HUB):
        with quotas(settled, HUB, cost=Quota(2, 1)):
            refused = await tell(settled, HUB, licensing, f"mutation {{ {many} }}")

    assert codes(refused) == ["COST_TOO_HIGH"]


async def test_another_server_is_told_nothing_of_costs_and_still_counted(settled):
    token = call_token(settled, HUB, entity("DE"), now=settled.clock())
    headers = {"Content-Type": "application/json", "Federation-On-Behalf-Of": "signed-in"}
    body = msgspec.json.encode({"query": COLLECTIVES})
    with quotas(settled, "DE", cost=Quota(10, 1)):
        first = await send(settled, "DE", "/graphql", body, token=token, headers=headers)
        second = await send(settled, "DE", "/graphql", body, token=token, headers=headers)

    assert sorted(first.body) == ["data"]
    assert (second.status, codes(second)) == (429, ["TOO_MANY_REQUESTS"])
