"""Words of the schema: written from it by `make client`; edit nothing here."""

from federation_client.question import Word


class ConsentReason(Word):
    """Why a use is reserved; where several hold, the first of this order.

    OPTED_OUT: It was opted out of.
    RESERVED_EX_ANTE: It was reserved before any licence was given.
    PUBLISHED: A published source disallows it.
    WITHDRAWN: It was taken back.
    WITHHELD: It was said no to.
    NOT_MANDATED: It is for other uses only.
    """

    OPTED_OUT = "OPTED_OUT"
    RESERVED_EX_ANTE = "RESERVED_EX_ANTE"
    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"
    WITHHELD = "WITHHELD"
    NOT_MANDATED = "NOT_MANDATED"


class ContentType(Word):
    """What kind of thing a work is.

    ARTICLE: An article, of a newspaper, magazine or journal.
    BOOK: A book.
    CHAPTER: A chapter or another part of a book.
    JOURNAL: A newspaper, magazine or journal as a whole.
    WEB_PAGE: A page of a web site.
    IMAGE: A photograph, drawing or another still picture.
    MUSIC: A musical work.
    RECORDING: A recording of sound.
    VIDEO: A film or another moving picture.
    DATASET: A collection of data.
    OTHER: Anything else.
    """

    ARTICLE = "ARTICLE"
    BOOK = "BOOK"
    CHAPTER = "CHAPTER"
    JOURNAL = "JOURNAL"
    WEB_PAGE = "WEB_PAGE"
    IMAGE = "IMAGE"
    MUSIC = "MUSIC"
    RECORDING = "RECORDING"
    VIDEO = "VIDEO"
    DATASET = "DATASET"
    OTHER = "OTHER"


class CoverageGap(Word):
    """Why no licence of a lab covers a use of an address.

    WITHHELD: It is withheld from this use; the reason stands beside it. No licence opens it.
    OUTSIDE_GRANT: It can be licensed, and none of your licences covers it then.
    DISPUTED: Several claim it.
    NOT_REPRESENTED: Nobody claims it.
    MALFORMED: It is no URL that can be read.
    UNKNOWN: Its collective did not answer: an unknown right is no right.
    """

    WITHHELD = "WITHHELD"
    OUTSIDE_GRANT = "OUTSIDE_GRANT"
    DISPUTED = "DISPUTED"
    NOT_REPRESENTED = "NOT_REPRESENTED"
    MALFORMED = "MALFORMED"
    UNKNOWN = "UNKNOWN"


class CreatorRole(Word):
    """What a creator did.

    AUTHOR: Wrote the text.
    EDITOR: Put it together.
    TRANSLATOR: Translated it.
    ILLUSTRATOR: Drew the pictures.
    PHOTOGRAPHER: Took the photographs.
    ARTIST: Made a work of visual art.
    COMPOSER: Wrote the music.
    LYRICIST: Wrote the words of the music.
    PERFORMER: Performed it.
    OTHER: Did something else.
    """

    AUTHOR = "AUTHOR"
    EDITOR = "EDITOR"
    TRANSLATOR = "TRANSLATOR"
    ILLUSTRATOR = "ILLUSTRATOR"
    PHOTOGRAPHER = "PHOTOGRAPHER"
    ARTIST = "ARTIST"
    COMPOSER = "COMPOSER"
    LYRICIST = "LYRICIST"
    PERFORMER = "PERFORMER"
    OTHER = "OTHER"


class IdentifierScheme(Word):
    """What numbers an identifier.

    ISBN: International Standard Book Number, ISO 2108.
    ISSN: International Standard Serial Number, ISO 3297.
    DOI: Digital Object Identifier, ISO 26324.
    ISWC: International Standard Musical Work Code, ISO 15707.
    ISRC: International Standard Recording Code, ISO 3901.
    ISCC: International Standard Content Code, ISO 24138.
    ISNI: International Standard Name Identifier, ISO 27729.
    ORCID: Open Researcher and Contributor ID.
    IPI: Interested Parties Information, of authors and publishers in societies.
    """

    ISBN = "ISBN"
    ISSN = "ISSN"
    DOI = "DOI"
    ISWC = "ISWC"
    ISRC = "ISRC"
    ISCC = "ISCC"
    ISNI = "ISNI"
    ORCID = "ORCID"
    IPI = "IPI"


class LicenceStatus(Word):
    """What its licensor says of a licence.

    ACTIVE: Tokens may be minted, within its term.
    SUSPENDED: No tokens, until that is lifted.
    REVOKED: It has ended for good.
    """

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"


class NodeState(Word):
    """Whether a collective that was asked has answered.

    OK: It has.
    TIMEOUT: It has not answered in time, or is down.
    ERROR: What it answered could not be used.
    BREAKER_OPEN: It was not asked: it failed too often just now.
    STALE: It gives no answer now, and what it answered to the same question earlier is told;
        never of rights or reservations, and counted as an answer by ANY only.
    """

    OK = "OK"
    TIMEOUT = "TIMEOUT"
    ERROR = "ERROR"
    BREAKER_OPEN = "BREAKER_OPEN"
    STALE = "STALE"


class OfferKind(Word):
    """By what an offer is priced.

    TARIFF: By the tariff: a quote.
    INDIVIDUAL: By an individual agreement, which every lab can read.
    """

    TARIFF = "TARIFF"
    INDIVIDUAL = "INDIVIDUAL"


class OfferState(Word):
    """Where an offer stands.

    OFFERED: It can be accepted.
    REFUSED: Nothing that was asked for has a price.
    EXPIRED: It was not accepted in time.
    ACCEPTED: It was accepted: there is a licence.
    """

    OFFERED = "OFFERED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    ACCEPTED = "ACCEPTED"


class RegistrationState(Word):
    """What a node has said of a version of a licence.

    PENDING: Nothing yet.
    REGISTERED: It honours it.
    REFUSED: It does not, with a reason.
    """

    PENDING = "PENDING"
    REGISTERED = "REGISTERED"
    REFUSED = "REFUSED"


class RightsStatus(Word):
    """What may be done with an address.

    LICENSABLE: A licence can be had for it.
    RESERVED: It was opted out of this use: no licence opens it.
    DISPUTED: Several claim it.
    NOT_REPRESENTED: Nobody claims it.
    MALFORMED: It is no URL that can be read.
    UNKNOWN: Its collective did not answer: an unknown right is no right.
    """

    LICENSABLE = "LICENSABLE"
    RESERVED = "RESERVED"
    DISPUTED = "DISPUTED"
    NOT_REPRESENTED = "NOT_REPRESENTED"
    MALFORMED = "MALFORMED"
    UNKNOWN = "UNKNOWN"


class Unclaimed(Word):
    """What happens to the part of URLs that nobody claims.

    EXCLUDE: They do not count.
    HOLD: Their part is held until somebody claims it.
    """

    EXCLUDE = "exclude"
    HOLD = "hold"


class UsageBasis(Word):
    """Whose count of the usage decides.

    SITE: What the members' sites counted.
    LAB: What the lab reported.
    """

    SITE = "site"
    LAB = "lab"
