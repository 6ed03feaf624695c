"""What a lab asks: from lab.graphql by `make client`; edit nothing here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from federation_client.generated.answers import (
    CoverageAnswer,
    InvoicePage,
    Licence,
    LicencePage,
    LicenceTokens,
    LicenceUsagePage,
    Offer,
    OfferPage,
    QuoteInput,
    Refused,
    RightsAnswer,
    WorkPage,
)
from federation_client.question import Question, Reader, reader

REQUEST_QUOTE: Final = "mutation requestQuote($quote:QuoteInput!$key:String!){requestQuote(input:$quote key:$key){__typename ...Offer ...Refused}}fragment Money on Money{minor currency}fragment NotCovered on NotCovered{node use contentTier reason}fragment Offer on Offer{id kind state licensee uses fee{...Money}startsOn endsOn tariffVersion reason expiresAt licence lines{...QuoteLine}notCovered{...NotCovered}}fragment QuoteLine on QuoteLine{node use contentTier units per1000{...Money}amount{...Money}}fragment Refused on Refused{code message}"
_REQUEST_QUOTE_READ: Final[Reader[Offer | Refused]] = reader(Offer | Refused)


def request_quote(*, quote: QuoteInput, key: str) -> Question[Offer | Refused]:
    """Ask for a price: line by line, the same for everybody."""
    return Question(
        "requestQuote", REQUEST_QUOTE, {"quote": quote, "key": key}, _REQUEST_QUOTE_READ
    )


ACCEPT_OFFER: Final = "mutation acceptOffer($offer:ID!$key:String!){acceptOffer(offer:$offer key:$key){__typename ...Licence ...Refused}}fragment Licence on Licence{number version licensor licensee status uses fee{...Money}startsOn endsOn unclaimed usageBasis registrations{...Registration}}fragment Money on Money{minor currency}fragment Refused on Refused{code message}fragment Registration on Registration{node state reason}"
_ACCEPT_OFFER_READ: Final[Reader[Licence | Refused]] = reader(Licence | Refused)


def accept_offer(*, offer: str, key: str) -> Question[Licence | Refused]:
    """Accept an offer: the licence gets its number at once."""
    return Question("acceptOffer", ACCEPT_OFFER, {"offer": offer, "key": key}, _ACCEPT_OFFER_READ)


OFFERS: Final = "query offers($first:Int!$after:String){offers(first:$first after:$after){...OfferPage}}fragment Money on Money{minor currency}fragment NotCovered on NotCovered{node use contentTier reason}fragment Offer on Offer{id kind state licensee uses fee{...Money}startsOn endsOn tariffVersion reason expiresAt licence lines{...QuoteLine}notCovered{...NotCovered}}fragment OfferEdge on OfferEdge{cursor node{...Offer}}fragment OfferPage on OfferConnection{edges{...OfferEdge}pageInfo{...PageInfo}}fragment PageInfo on PageInfo{hasNextPage endCursor}fragment QuoteLine on QuoteLine{node use contentTier units per1000{...Money}amount{...Money}}"
_OFFERS_READ: Final[Reader[OfferPage]] = reader(OfferPage)


def offers(*, first: int, after: str | None = None) -> Question[OfferPage]:
    """Offers, newest first: a lab's own, or all for staff."""
    return Question("offers", OFFERS, {"first": first, "after": after}, _OFFERS_READ)


LICENCE: Final = "query licence($number:String!){licence(number:$number){...Licence}}fragment Licence on Licence{number version licensor licensee status uses fee{...Money}startsOn endsOn unclaimed usageBasis registrations{...Registration}}fragment Money on Money{minor currency}fragment Registration on Registration{node state reason}"
_LICENCE_READ: Final[Reader[Licence]] = reader(Licence)


def licence(*, number: str) -> Question[Licence]:
    """One licence."""
    return Question("licence", LICENCE, {"number": number}, _LICENCE_READ)


LICENCES: Final = "query licences($first:Int!$after:String){licences(first:$first after:$after){...LicencePage}}fragment Licence on Licence{number version licensor licensee status uses fee{...Money}startsOn endsOn unclaimed usageBasis registrations{...Registration}}fragment LicenceEdge on LicenceEdge{cursor node{...Licence}}fragment LicencePage on LicenceConnection{edges{...LicenceEdge}pageInfo{...PageInfo}}fragment Money on Money{minor currency}fragment PageInfo on PageInfo{hasNextPage endCursor}fragment Registration on Registration{node state reason}"
_LICENCES_READ: Final[Reader[LicencePage]] = reader(LicencePage)


def licences(*, first: int, after: str | None = None) -> Question[LicencePage]:
    """Licences by number."""
    return Question("licences", LICENCES, {"first": first, "after": after}, _LICENCES_READ)


RIGHTS: Final = "query rights($urls:[String!]!$use:String!$at:DateTime){rights(urls:$urls use:$use at:$at){...RightsAnswer}}fragment Money on Money{minor currency}fragment NodeStatus on NodeStatus{node state message}fragment RightsAnswer on RightsAnswer{items{...UrlRights}nodes{...NodeStatus}complete}fragment UrlRights on UrlRights{url status collective contentTier per1000{...Money}reason}"
_RIGHTS_READ: Final[Reader[RightsAnswer]] = reader(RightsAnswer)


def rights(*, urls: Sequence[str], use: str, at: datetime | None = None) -> Question[RightsAnswer]:
    """What may be done with up to 1,000 URLs."""
    return Question("rights", RIGHTS, {"urls": urls, "use": use, "at": at}, _RIGHTS_READ)


COVERAGE: Final = "query coverage($urls:[String!]!$uses:[String!]!$at:DateTime){coverage(urls:$urls uses:$uses at:$at){...CoverageAnswer}}fragment CoverageAnswer on CoverageAnswer{items{...UrlCoverage}nodes{...NodeStatus}complete}fragment CoveringLicence on CoveringLicence{number until}fragment NodeStatus on NodeStatus{node state message}fragment UrlCoverage on UrlCoverage{url collective uses{...UseCoverage}}fragment UseCoverage on UseCoverage{use licences{...CoveringLicence}why reason}"
_COVERAGE_READ: Final[Reader[CoverageAnswer]] = reader(CoverageAnswer)


def coverage(
    *, urls: Sequence[str], uses: Sequence[str], at: datetime | None = None
) -> Question[CoverageAnswer]:
    """Which of your licences cover up to 1,000 URLs, for which uses and until when."""
    return Question("coverage", COVERAGE, {"urls": urls, "uses": uses, "at": at}, _COVERAGE_READ)


WORKS: Final = "query works($first:Int!$text:String!$after:String){works(first:$first text:$text after:$after){...WorkPage}}fragment Creator on Creator{name role creditLine pseudonym}fragment Identifier on Identifier{scheme value}fragment NodeAnswer on NodeAnswer{node state code message}fragment PageInfo on PageInfo{hasNextPage endCursor}fragment Work on Work{id title otherTitles contentType contentTier languages creators{...Creator}identifiers{...Identifier}addresses wordCount publishedOn canonical}fragment WorkEdge on WorkEdge{cursor node{...Work}}fragment WorkPage on WorkFederatedConnection{edges{...WorkEdge}pageInfo{...PageInfo}late{...Work}nodes{...NodeAnswer}complete}"
_WORKS_READ: Final[Reader[WorkPage]] = reader(WorkPage)


def works(*, first: int, text: str, after: str | None = None) -> Question[WorkPage]:
    """Works of all collectives, by title; as they are published."""
    return Question("works", WORKS, {"first": first, "text": text, "after": after}, _WORKS_READ)


MINT_TOKENS: Final = "mutation mintTokens($licence:String!$sites:[[String!]!]!$uses:[String!]){mintTokens(licence:$licence sites:$sites uses:$uses){__typename ...LicenceTokens ...Refused}}fragment LicenceTokens on LicenceTokens{tokens expiresIn refused{...SiteRefused}}fragment Refused on Refused{code message}fragment SiteRefused on SiteRefused{place code message}"
_MINT_TOKENS_READ: Final[Reader[LicenceTokens | Refused]] = reader(LicenceTokens | Refused)


def mint_tokens(
    *, licence: str, sites: Sequence[Sequence[str]], uses: Sequence[str] | None = None
) -> Question[LicenceTokens | Refused]:
    """Mint bearer tokens for up to 1,000 members' sites at once, each as `mintToken` would: `sites` are the absolute prefixes of each, 2,000 in all. A site that is refused has no token, and costs no other site its own."""
    return Question(
        "mintTokens",
        MINT_TOKENS,
        {"licence": licence, "sites": sites, "uses": uses},
        _MINT_TOKENS_READ,
    )


INVOICES: Final = "query invoices($first:Int!$after:String){invoices(first:$first after:$after){...InvoicePage}}fragment Invoice on Invoice{licence licensor licensee number creditNote issuedOn dueOn isOverdue net{...Money}credited{...Money}vat{...Money}withheld{...Money}paid{...Money}open{...Money}}fragment InvoiceEdge on InvoiceEdge{cursor node{...Invoice}}fragment InvoicePage on InvoiceConnection{edges{...InvoiceEdge}pageInfo{...PageInfo}}fragment Money on Money{minor currency}fragment PageInfo on PageInfo{hasNextPage endCursor}"
_INVOICES_READ: Final[Reader[InvoicePage]] = reader(InvoicePage)


def invoices(*, first: int, after: str | None = None) -> Question[InvoicePage]:
    """What every licence was invoiced for, and what is open, by number of licence."""
    return Question("invoices", INVOICES, {"first": first, "after": after}, _INVOICES_READ)


LICENCE_USAGE: Final = "query licenceUsage($period:String!$first:Int!$after:String){licenceUsage(period:$period first:$first after:$after){...LicenceUsagePage}}fragment ComponentUsage on ComponentUsage{licence used{...UsedUnits}recognised{...Money}carriedForward{...Money}}fragment LicenceUsage on LicenceUsage{number licensee components{...ComponentUsage}}fragment LicenceUsageEdge on LicenceUsageEdge{cursor node{...LicenceUsage}}fragment LicenceUsagePage on LicenceUsageConnection{edges{...LicenceUsageEdge}pageInfo{...PageInfo}}fragment Money on Money{minor currency}fragment PageInfo on PageInfo{hasNextPage endCursor}fragment UsedUnits on UsedUnits{use collective units}"
_LICENCE_USAGE_READ: Final[Reader[LicenceUsagePage]] = reader(LicenceUsagePage)


def licence_usage(
    *, period: str, first: int, after: str | None = None
) -> Question[LicenceUsagePage]:
    """What was used of each licence in a month, and what that took in, by number."""
    return Question(
        "licenceUsage",
        LICENCE_USAGE,
        {"period": period, "first": first, "after": after},
        _LICENCE_USAGE_READ,
    )
