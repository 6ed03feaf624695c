"""What an RSL document says: contents, and the licences that each offers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """Words of one kind (`usage`, `user`, `geo`) that a licence permits or prohibits."""

    kind: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Payment:
    """What is to be paid: its type, and the licence (`standard`) or page (`custom`) that says it.

    `amount` is a decimal text in `currency`; this server writes none.
    """

    type: str
    standard: str | None = None
    custom: str | None = None
    amount: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Reporting:
    """What a licensee has to report, by the address of a profile."""

    type: str
    profile: str
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Legal:
    """A legal statement: `warranty`, `disclaimer`, `attestation`, `contact` or `proof`."""

    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Licence:
    """One offer of a content.

    `defects` is why it could not be read as it should be: nothing is had by such a licence, while
    what it prohibits counts. `unknown` are names of elements that may have said anything.
    """

    permits: tuple[Rule, ...] = ()
    prohibits: tuple[Rule, ...] = ()
    payments: tuple[Payment, ...] = ()
    reporting: tuple[Reporting, ...] = ()
    legal: tuple[Legal, ...] = ()
    defects: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """Addresses (`url`, a pattern of RFC 9309), their licences, and who gives tokens for them.

    One with `defects` offers nothing, and still stands before what is broader.
    """

    url: str
    licences: tuple[Licence, ...]
    server: str | None = None
    terms: str | None = None
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """An RSL document; it is read again after `max_age` days. One with `defects` offers nothing."""

    contents: tuple[Content, ...]
    max_age: int | None = None
    defects: tuple[str, ...] = ()
