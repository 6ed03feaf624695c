"""Everybody who decides whether a page may be put to a use, asked the same of the same pages.

A node by its registry (`consent`, `rights`) and the hub by its index; who mints tokens at both;
metering of a month; and the gates of the members' sites, in Python and in JavaScript, by the policy
that the node signs for them. Each gives {page: why not, None where it may be used} of the pages
that it is asked about at all.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from federation.addresses.readings import readings
from federation.addresses.urls import normalise_url
from federation.claimindex import index_store
from federation.claimindex.messages import NOTHING
from federation.crawler.withheld import WithheldList
from federation.gate.rulings import HeldPolicy
from federation.licensing import rights
from federation.licensing.objects import ComponentTerms, Grant, Term
from federation.licensing.rights import Question, Reply, Word
from federation.licensing.tables import Registration
from federation.mandates import asking
from federation.metering.verdicts import RESERVED, Terms, place
from federation.nodes.index import of_others
from federation.registry import own_store
from federation.signing.tokens import covers
from federation.store.database import Database
from federation.tokens.minting import (
    Issuer,
    NotOfferedError,
    OutsideLicenceError,
    TokenRequest,
    mint_token,
)
from federation.trust.principals import Principal
from federation.values.party import HUB
from tests.databases import HUB_TERMS, a_party
from tests.hub.lists import lines_of
from tests.licensing.licences import SOLD, a_licence
from tests.metering.licences import a_row
from tests.nodes.policies import policy_of
from tests.signing.corpus.forge import HUB as HUB_ENTITY
from tests.signing.corpus.forge import HUB_KEY, NODE, NODE_KEY

USES = ["TRAIN", "SEARCH"]
NUMBER = "HUB-000001"
LAB = Principal("lena", frozenset({"lab"}), "lab-one")
ISSUERS = {
    "DE": Issuer("DE", NODE, HUB_ENTITY, NODE_KEY),
    HUB: Issuer(HUB, HUB_ENTITY, HUB_ENTITY, HUB_KEY),
}
NOT_SAID = "RESERVED"  # by somebody who gives no reason


@dataclass(frozen=True)
class Everybody:
    """A node, the hub's database, its members, and a JavaScript gate where Node is installed."""

    node: Database
    hub: Database
    members: tuple[str, ...] = ("m1", "m2")
    javascript: Any = None
    copy: WithheldList = field(default_factory=WithheldList)  # of a lab, kept by changes

    async def sell(self):
        """Sell a licence for both uses, known at the hub and registered at the node."""
        licence = a_licence(
            grant=Grant([ComponentTerms(uses=USES, fee="1000")]),
            term=Term(SOLD.date(), SOLD.date() + timedelta(days=300)),
        )
        async with self.hub.write("sell") as session:
            session.add(a_party("DE"))
            session.add(a_row(licence))
            await session.flush()
            registered = Registration(
                licence=NUMBER, node="DE", version=1, state="REGISTERED", changed_at=SOLD
            )
            session.add(registered)
        async with self.node.write("sell") as session:
            session.add(a_row(licence))

    async def asked(self, pages, use, at, policies):
        """Return {who: {page: why not}}; who may leave pages out that are none of theirs."""
        merged = await self.hub_with_nodes_word(pages, use, at)
        return {
            "consent": await self.consent(pages, use, at),
            "rights at the node": await self.rights_at_node(pages, use, at),
            "rights at the hub": reasons(await self.draft(pages, use, at)),
            "rights at the hub, the node asked": {one.url: one.reason for one in merged},
            "metering by the node": await self.metering(self.node, pages, use, at),
            "metering by the hub": await self.metering(self.hub, pages, use, at),
            "tokens of the node": await self.minting("DE", pages, [use], at),
            "tokens of the hub": await self.minting(HUB, pages, [use], at),
            **await self.copies(pages, use, at),
            **self.gates(policies, pages, use, at),
        }

    async def copies(self, pages, use, at):
        """Ask copies that a lab has of the list: fetched anew, of one use, and kept by changes."""
        anew, of_use = WithheldList(), WithheldList()
        anew.take(await lines_of(self.hub, "DE", at))
        of_use.take(await lines_of(self.hub, "DE", at, uses=(use,)))
        self.copy.take(await lines_of(self.hub, "DE", at, since=self.copy.versions.get("DE")))
        whose = {"fetched anew": anew, f"of {use}": of_use, "kept by changes": self.copy}
        return {
            f"copy {name}": {page: one.why(page, use, at) for page in pages}
            for name, one in whose.items()
        }

    async def consent(self, pages, use, at, known_at=None):
        """Return what `consent` answers."""
        question = asking.Question(use, at, known_at)
        async with self.node.read() as session:
            found = await asking.answers(session, "DE", None, pages, question)
        for answer in found:
            assert answer.is_yes == (answer.decided.reason is None)
            ruling = answer.decided.ruling
            assert ruling is None or ruling.row is not None
        return {answer.asked: answer.decided.reason for answer in found}

    async def rights_at_node(self, pages, use, at, known_at=None):
        """Return what `rights(ownOnly: true)` answers at the node."""
        items = (await self._own(pages, use, at, known_at)).items
        return reasons({item.url: item for item in items})

    async def _own(self, pages, use, at, known_at=None):
        async with self.node.read() as session:
            asked = Question(pages, use, at, known_at)
            return await rights.own_rights(session, asked, HUB_TERMS, "DE")

    async def draft(self, pages, use, at, known_at=None):
        """Return what the hub's index alone says."""
        async with self.hub.read() as session:
            found = await rights.draft(session, Question(pages, use, at, known_at), HUB_TERMS)
        return found.items

    async def hub_with_nodes_word(self, pages, use, at):
        """Return what `rights` answers at the hub, which asks the node."""
        async with self.hub.read() as session:
            draft = await rights.draft(session, Question(pages, use, at), HUB_TERMS)
        own = await self._own(pages, use, at)
        words = {one.url: Word(one.status, one.content_tier, one.reason) for one in own.items}
        return draft.merged([Reply("DE", rights.ANSWERED, 1, rights=words)]).items

    async def metering(self, database, pages, use, at):
        """Class a line of each page by the node's own registry, or by the hub's index."""
        keys = [normalise_url(page) for page in pages]
        async with database.read() as session:
            index = (
                await own_store.own_index(session, "DE", keys)
                if database is self.node
                else await index_store.hub_index(session, keys)
            )
        classes = [
            place(
                index.look_up(key, at),
                use,
                1,
                unclaimed="exclude",
                index=index,
                owner_bps=lambda _: 2500,
                terms=Terms(HUB_TERMS.tier_weight, HUB_TERMS.use_weight),
            ).cls
            for key in keys
        ]
        return {p: NOT_SAID if c == RESERVED else None for p, c in zip(pages, classes, strict=True)}

    async def minting(self, code, pages, uses, at):
        """Say of which pages a token is refused; nothing of what is nobody's, or two members'."""
        database, found = (self.hub if code == HUB else self.node), {}
        keys = {page: normalise_url(page) for page in pages}
        elsewhere = NOTHING if code == HUB else await self.elsewhere(keys.values())
        async with database.read() as session:
            index = (
                await index_store.hub_index(session, keys.values())
                if code == HUB
                else await own_store.own_index(session, code, keys.values())
            )
            claims = {page: index.claimants(key, at) for page, key in keys.items()}
            for page in (page for page in pages if claims[page]):
                asked = TokenRequest(audience=[page], uses=uses)
                try:
                    await mint_token(
                        session,
                        NUMBER,
                        LAB,
                        asked=asked,
                        elsewhere=elsewhere,
                        issuer=ISSUERS[code],
                        now=at,
                    )
                except NotOfferedError:
                    found[page] = NOT_SAID
                except OutsideLicenceError:
                    assert code == HUB
                    assert len({claim.holder_id for claim in claims[page]}) > 1
                else:
                    found[page] = None
        return found

    async def elsewhere(self, keys):
        """Return what the hub's index tells the node of other collectives."""
        async with self.hub.read() as session:
            return of_others("DE", await index_store.index_slice(session, keys))

    async def policies(self, at):
        """Return {whose: policy} of each member's site: of an instant, and half an hour older."""
        return {
            f"{member}, {age} old": await policy_of(self.node, member, at - age)
            for member in self.members
            for age in (timedelta(), timedelta(minutes=30))
        }

    def gates(self, policies, pages, use, at):
        """Ask the gate of each site, of the pages that it serves."""
        found = {}
        for whose, policy in policies.items():
            here = [page for page in pages if covers(policy.site.prefixes, page)]
            held = HeldPolicy(policy)
            said = {page: held.why_withheld(keys_of(page), use, at) for page in here}
            found[f"gate of {whose}"] = said
            if self.javascript is not None:
                told = self._in_javascript(policy, here, use, at)
                found[f"JavaScript gate of {whose}"] = told
        return found

    def _in_javascript(self, policy, pages, use, at):
        asked = [
            (page, key.host, key.path, use, at.timestamp() * 1000)
            for page in pages
            for key in keys_of(page)
        ]
        sent = [rest for _, *rest in asked]
        said = self.javascript.ask("withheld", rulings=policy.site.rulings, asked=sent)
        found = dict.fromkeys(pages)
        for (page, *_), (strict, _) in zip(asked, said, strict=True):
            found[page] = found[page] or strict
        return found


def keys_of(page):
    """Return an address as a gate looks it up: in every reading."""
    return [normalise_url(each) for each in readings(page)]


def reasons(items):
    """Return why not of answers on rights, which give a reason where they are RESERVED only."""
    assert all((one.status == "RESERVED") == (one.reason is not None) for one in items.values())
    return {url: one.reason for url, one in items.items()}


def disagreeing(asked, expected):
    """Return who said otherwise than expected, of which page: {who: {page: (said, expected)}}.

    `expected` is {page: why not}; of somebody who gives no reason only yes or no is compared.
    """
    found = {}
    for who, said in asked.items():
        wrong = {
            page: (why, expected[page])
            for page, why in said.items()
            if (why is None) != (expected[page] is None)
            or (NOT_SAID not in (why, expected[page]) and why != expected[page])
        }
        if wrong:
            found[who] = wrong
    return found


def without_reasons(is_open):
    """Return {page: why not} of {page: whether it is open}."""
    return {page: None if yes else NOT_SAID for page, yes in is_open.items()}
