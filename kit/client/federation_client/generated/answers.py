"""What a hub sends and takes: by `make client`; edit nothing here."""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec import UNSET, Struct, UnsetType

from federation_client.generated.words import (
    ConsentReason,
    ContentType,
    CoverageGap,
    CreatorRole,
    IdentifierScheme,
    LicenceStatus,
    NodeState,
    OfferKind,
    OfferState,
    RegistrationState,
    RightsStatus,
    Unclaimed,
    UsageBasis,
)


class Money(Struct, frozen=True, kw_only=True, rename="camel"):
    """An amount in minor units of its currency: 123456 and EUR are 1,234.56 euro.

    minor: How many minor units of the currency, as a decimal integer: cents, pence, yen.
    currency: The currency: ISO 4217, three letters.
    """

    minor: int
    currency: str


class Refused(
    Struct, frozen=True, kw_only=True, rename="camel", tag="Refused", tag_field="__typename"
):
    """A request that was refused; nothing was changed.

    code: A code that stays: for programs.
    message: What was refused and why: for people.
    """

    code: str
    message: str


class PageInfo(Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a list goes on after a page, and from where.

    has_next_page: Whether the list has more entries.
    end_cursor: What to give as `after` for the next page; null where this one is empty and the
        last.
    """

    has_next_page: bool
    end_cursor: str | None


class NodeStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a collective answered.

    node: The code of the collective, as DE.
    state: Whether it answered.
    message: Why there is no answer, in words; null where there is one.
    """

    node: str
    state: NodeState
    message: str | None


class NodeAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a node answered a question to all of them.

    node: The node's code.
    state: Whether it has answered.
    code: Why not, for programs: NO_ANSWER, SENT_AWAY, DEADLINE_OVER, BAD_ANSWER or a code of
        the node's own.
    message: Why not, for people.
    """

    node: str
    state: NodeState
    code: str | None
    message: str | None


class QuoteLine(Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of a quote; without node it tops up to the minimum fee.

    node: The code of the collective whose works they are; null for a line that is not about
        works.
    use: What they are used for; null for a line that is not about works.
    content_tier: The content tier of the works; null for a line that is not about works.
    units: How many units.
    per1000: The price per 1,000 units, in minor units.
    amount: What the units come to, in minor units, rounded half to even.
    """

    node: str | None
    use: str
    content_tier: str | None
    units: int
    per1000: Money
    amount: Money


class NotCovered(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that was asked for and is not covered, and why.

    node: The code of the collective whose works were asked for.
    use: What the works are used for, as the federation's terms name it.
    content_tier: The content tier of the works, as the federation's terms name it.
    reason: Why it was left out of the price, in words.
    """

    node: str
    use: str
    content_tier: str
    reason: str


class Offer(Struct, frozen=True, kw_only=True, rename="camel", tag="Offer", tag_field="__typename"):
    """A quote by the tariff, or an individual agreement.

    id: Its id.
    kind: Priced by the tariff, or agreed.
    state: Where it stands.
    licensee: The id of the lab that has the licence.
    uses: What the works may be used for, as the federation's terms name it.
    fee: The fee for the whole term, in minor units.
    starts_on: The first day of the term.
    ends_on: The last day of the term: that day is within.
    tariff_version: The version of the tariff that it was priced by; null for an individual
        agreement.
    reason: Why it was refused, or why the terms are not the tariff's; null where neither is so.
    expires_at: Until when it may be used.
    licence: The number of the licence that came of it; null until it is accepted.
    lines: How the fee comes about, line by line.
    not_covered: What was asked for and is not in the price.
    """

    id: str
    kind: OfferKind
    state: OfferState
    licensee: str
    uses: tuple[str, ...]
    fee: Money
    starts_on: date
    ends_on: date
    tariff_version: int | None
    reason: str | None
    expires_at: datetime
    licence: str | None
    lines: tuple[QuoteLine, ...]
    not_covered: tuple[NotCovered, ...]


class OfferEdge(Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry of a list, and its place there.

    cursor: What to give as `after` to begin behind it.
    node: The entry itself.
    """

    cursor: str
    node: Offer


class OfferPage(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of a list.

    edges: The entries in order.
    page_info: Whether there are more.
    """

    edges: tuple[OfferEdge, ...]
    page_info: PageInfo


class Registration(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a licence stands at a node; it gates tokens, not settlement.

    node: The code of the node.
    state: What the node has said of the version.
    reason: Why the node refused it, in words; null where it has not.
    """

    node: str
    state: RegistrationState
    reason: str | None


class Licence(
    Struct, frozen=True, kw_only=True, rename="camel", tag="Licence", tag_field="__typename"
):
    """A licence as its licensor signed it.

    number: Its number, as L-HUB-000001.
    version: Its version, from 1.
    licensor: The code of the party that granted it.
    licensee: The id of the lab that has the licence.
    status: What its licensor says of it.
    uses: What the works may be used for, as the federation's terms name it.
    fee: The fee for the whole term, in minor units.
    starts_on: The first day of the term.
    ends_on: The last day of the term: that day is within.
    unclaimed: What happens to the part of URLs that nobody claims.
    usage_basis: Whose count of the usage decides: the sites' or the lab's.
    registrations: Where the licence stands at each node.
    """

    number: str
    version: int
    licensor: str
    licensee: str
    status: LicenceStatus
    uses: tuple[str, ...]
    fee: Money
    starts_on: date
    ends_on: date
    unclaimed: Unclaimed
    usage_basis: UsageBasis
    registrations: tuple[Registration, ...]


class LicenceEdge(Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry of a list, and its place there.

    cursor: What to give as `after` to begin behind it.
    node: The entry itself.
    """

    cursor: str
    node: Licence


class LicencePage(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of a list.

    edges: The entries in order.
    page_info: Whether there are more.
    """

    edges: tuple[LicenceEdge, ...]
    page_info: PageInfo


class UrlRights(Struct, frozen=True, kw_only=True, rename="camel"):
    """What may be done with one URL, at one instant, for one use.

    url: The URL, as it was asked about.
    status: What may be done with it.
    collective: The code of the collective that claims it; null where none does, or several.
    content_tier: The content tier of the work; null where it is not known.
    per1000: The price of 1,000 units by the tariff, in minor units; null where it has none.
    reason: Why it is reserved; null where it is not, or where its collective gave none.
    """

    url: str
    status: RightsStatus
    collective: str | None
    content_tier: str | None
    per1000: Money | None
    reason: ConsentReason | None


class RightsAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """Rights of many URLs, with how complete the answer is.

    items: An answer for each URL, in the order asked.
    nodes: What each collective that was asked did.
    complete: Whether every collective that was asked has answered.
    """

    items: tuple[UrlRights, ...]
    nodes: tuple[NodeStatus, ...]
    complete: bool


class CoveringLicence(Struct, frozen=True, kw_only=True, rename="camel"):
    """A licence that covers a use of an address.

    number: The number of the licence, as L-HUB-000001.
    until: The last day on which it covers: the end of its term, or the day it was ended on.
    """

    number: str
    until: date


class UseCoverage(Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether one use of an address is covered.

    use: The use that was asked about.
    licences: The licences that cover it, at most ten, those first that last longest.
    why: Why none does; null where one does.
    reason: Why it is withheld; null where it is not.
    """

    use: str
    licences: tuple[CoveringLicence, ...]
    why: CoverageGap | None
    reason: ConsentReason | None


class UrlCoverage(Struct, frozen=True, kw_only=True, rename="camel"):
    """What of the uses that were asked about is covered for one address.

    url: The address on the web.
    collective: The code of the collective whose it is; null where that is not one.
    uses: Each use, in the order asked.
    """

    url: str
    collective: str | None
    uses: tuple[UseCoverage, ...]


class CoverageAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is covered of many addresses, with how complete the answer is.

    items: The addresses in the order asked.
    nodes: How each collective that was asked has answered.
    complete: Whether every collective that was asked has answered.
    """

    items: tuple[UrlCoverage, ...]
    nodes: tuple[NodeStatus, ...]
    complete: bool


class Creator(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who made a work, and how to credit them.

    name: The name; to others than staff and partners the pseudonym, where there is one.
    role: What they did.
    credit_line: The text to print where the work is used; null where the name will do.
    pseudonym: The name that the work appeared under, where it is another.
    """

    name: str
    role: CreatorRole
    credit_line: str | None
    pseudonym: str | None


class Identifier(Struct, frozen=True, kw_only=True, rename="camel"):
    """A standard identifier in its plain form.

    scheme: What numbers it.
    value: Its plain form: 9783161484100.
    """

    scheme: IdentifierScheme
    value: str


class Work(Struct, frozen=True, kw_only=True, rename="camel"):
    """A work of a collective's repertoire, as it was at one instant.

    id: Its id in the federation: the collective's code, a colon, its id there.
    title: Its title.
    other_titles: Subtitles, translations, variants.
    content_type: What kind of thing it is.
    content_tier: The tier of the federation's terms by which its uses are weighed.
    languages: Its languages, as in BCP 47: en, de-AT.
    creators: Who made it, in order.
    identifiers: Its standard identifiers.
    addresses: Where it stands on the web: host and path, normalised, without a scheme.
    word_count: How many words it has.
    published_on: The day it was first published.
    canonical: The work that this is a syndicated copy of, at any collective.
    """

    id: str
    title: str
    other_titles: tuple[str, ...]
    content_type: ContentType
    content_tier: str | None
    languages: tuple[str, ...]
    creators: tuple[Creator, ...]
    identifiers: tuple[Identifier, ...]
    addresses: tuple[str, ...]
    word_count: int | None
    published_on: date | None
    canonical: str | None


class WorkEdge(Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry of a list, and its place there.

    cursor: What to give as `after` to begin behind it.
    node: The entry itself.
    """

    cursor: str
    node: Work


class WorkPage(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of a list over all nodes, and how each of them answered.

    edges: The entries in order.
    page_info: Whether there are more.
    late: Entries from before this page, of nodes that did not answer when it was their turn;
        each comes once. Who does not ask for them is not shown them later either.
    nodes: How each node answered, by code.
    complete: Whether every node has answered, now and on the pages before, so that nothing is
        missing up to the end of this page.
    """

    edges: tuple[WorkEdge, ...]
    page_info: PageInfo
    late: tuple[Work, ...]
    nodes: tuple[NodeAnswer, ...]
    complete: bool


class SiteRefused(Struct, frozen=True, kw_only=True, rename="camel"):
    """Why a site of a batch has no token; `place` counts from 0.

    place: Its place in the list that was asked for, from 0.
    code: A code that stays: for programs.
    message: A sentence for people.
    """

    place: int
    code: str
    message: str


class LicenceTokens(
    Struct, frozen=True, kw_only=True, rename="camel", tag="LicenceTokens", tag_field="__typename"
):
    """Tokens of a batch in the order asked, null where one was refused.

    tokens: A token for each site in the order they were asked for; null where there is none.
    expires_in: How many seconds each lives.
    refused: The sites that have none, and why.
    """

    tokens: tuple[str | None, ...]
    expires_in: int
    refused: tuple[SiteRefused, ...]


class Invoice(Struct, frozen=True, kw_only=True, rename="camel"):
    """The invoice of a licence, what was credited and paid, what is open.

    licence: The number of the licence, with its component after a slash where it has several:
        L-HUB-000001.
    licensor: The code of the server that granted the licence, and so invoiced it.
    licensee: The id of the lab.
    number: The number of the invoice; null where another server issued it.
    credit_note: The number of the credit note; null where there is none, or another server
        issued it.
    issued_on: The day it was issued; null where another server issued it.
    due_on: Until when it is to be paid; null where another server issued it.
    is_overdue: Whether something is open after that day.
    net: The fee of the licence, without VAT.
    credited: What of the fee is not owed, because the licence ended early.
    vat: The VAT on what is owed.
    withheld: Tax that the lab paid on behalf of the licensor, and so not to it.
    paid: What came in, VAT with it, less what went back after a credit note.
    open: What is left to pay; below 0 it goes back to the lab.
    """

    licence: str
    licensor: str
    licensee: str
    number: str | None
    credit_note: str | None
    issued_on: date | None
    due_on: date | None
    is_overdue: bool
    net: Money
    credited: Money
    vat: Money
    withheld: Money
    paid: Money
    open: Money


class InvoiceEdge(Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry of a list, and its place there.

    cursor: What to give as `after` to begin behind it.
    node: The entry itself.
    """

    cursor: str
    node: Invoice


class InvoicePage(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of a list.

    edges: The entries in order.
    page_info: Whether there are more.
    """

    edges: tuple[InvoiceEdge, ...]
    page_info: PageInfo


class UsedUnits(Struct, frozen=True, kw_only=True, rename="camel"):
    """Units of one use of one collective's works.

    use: What the works were used for, as the federation's terms name it.
    collective: The code of the collective whose works they are; ~UNMATCHED where nobody claims
        them and their part is held, ~DISPUTED where several do.
    units: How many units, in the unit of the component.
    """

    use: str
    collective: str
    units: int


class ComponentUsage(Struct, frozen=True, kw_only=True, rename="camel"):
    """The month of a component of a licence, or of all of it.

    licence: The number of the licence, with its component after a slash where it has several:
        L-HUB-000001.
    used: Units by use and collective, of the reports that have come so far, corrections with
        them. A line counts in the month it happened in.
    recognised: What the month shared out of what came in for the licence, before fees; null
        until the month is settled.
    carried_forward: What of that found no usage and waits for later months; null until the
        month is settled.
    """

    licence: str
    used: tuple[UsedUnits, ...]
    recognised: Money | None
    carried_forward: Money | None


class LicenceUsage(Struct, frozen=True, kw_only=True, rename="camel"):
    """The month of a licence.

    number: Its number, as L-HUB-000001.
    licensee: The id of the lab.
    components: Each component; one entry where the licence has none.
    """

    number: str
    licensee: str
    components: tuple[ComponentUsage, ...]


class LicenceUsageEdge(Struct, frozen=True, kw_only=True, rename="camel"):
    """An entry of a list, and its place there.

    cursor: What to give as `after` to begin behind it.
    node: The entry itself.
    """

    cursor: str
    node: LicenceUsage


class LicenceUsagePage(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of a list.

    edges: The entries in order.
    page_info: Whether there are more.
    """

    edges: tuple[LicenceUsageEdge, ...]
    page_info: PageInfo


class ExpectedInput(Struct, frozen=True, kw_only=True, rename="camel"):
    """Usage a buyer expects.

    node: The collective whose works are used, by its code.
    use: What the works are used for, as the federation's terms name it.
    content_tier: The content tier of the works, as the federation's terms name it.
    units: How many units are expected over the whole term: 1 or more.
    """

    node: str
    use: str
    content_tier: str
    units: int


class QuoteInput(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a lab asks a price for.

    expected: What is expected to be used: 1 to 1,000 lines.
    starts_on: The first day of the term.
    ends_on: The last day of the term: that day is within.
    usage_basis: Whose count of the usage decides: the sites' or the lab's.
    territories: Where the licensee may act: ISO 3166-1, two letters each; none is everywhere.
    """

    expected: Sequence[ExpectedInput]
    starts_on: date
    ends_on: date
    usage_basis: UsageBasis | UnsetType = UNSET
    territories: Sequence[str] | UnsetType = UNSET
