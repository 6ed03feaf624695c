"""A work in GraphQL: as it is shown, and as it is described."""

from datetime import date, datetime

import strawberry

from federation.history.kinds import Found
from federation.identifiers import schemes
from federation.schema.context import Info
from federation.schema.histories import RegistryChange, changes_of
from federation.schema.pages import Connection
from federation.schema.provenance import Provenance, provenance_of
from federation.schema.scalars import ContentTier
from federation.works import work as rules
from federation.works.store import WORKS

strawberry.enum(rules.ContentType, description="What kind of thing a work is.")
strawberry.enum(rules.CreatorRole, description="What a creator did.")
strawberry.enum(schemes.Scheme, name="IdentifierScheme", description="What numbers an identifier.")


@strawberry.type(description="A standard identifier in its plain form.")
class Identifier:
    """An identifier, checked by its standard's own check digit when it was registered."""

    scheme: schemes.Scheme = strawberry.field(description="What numbers it.")
    value: str = strawberry.field(description="Its plain form: 9783161484100.")

    @classmethod
    def of(cls, text: str) -> "Identifier":
        """Show an identifier that is kept as `ISBN:9783161484100`."""
        scheme, _, value = text.partition(":")
        return cls(scheme=schemes.Scheme(scheme), value=value)


@strawberry.type(description="Who made a work, and how to credit them.")
class Creator:
    """A creator of a work."""

    name: str = strawberry.field(
        description="The name; to others than staff and partners the pseudonym, where there is one."
    )
    role: rules.CreatorRole = strawberry.field(description="What they did.")
    credit_line: str | None = strawberry.field(
        description="The text to print where the work is used; null where the name will do."
    )
    pseudonym: str | None = strawberry.field(
        description="The name that the work appeared under, where it is another."
    )
    rightholder: strawberry.ID | None = strawberry.field(
        description="The id of the rightholder that this is, where represented here; of one with a "
        "pseudonym for staff and partners only."
    )


@strawberry.federation.type(
    keys=["id"], description="A work of a collective's repertoire, as it was at one instant."
)
class Work:
    """A work as its collective knew it then."""

    key: strawberry.Private[str]
    id: strawberry.ID = strawberry.field(
        description="Its id in the federation: the collective's code, a colon, its id there."
    )
    title: str = strawberry.field(description="Its title.")
    other_titles: list[str] = strawberry.field(description="Subtitles, translations, variants.")
    content_type: rules.ContentType = strawberry.field(description="What kind of thing it is.")
    content_tier: ContentTier | None = strawberry.field(
        description="The tier of the federation's terms by which its uses are weighed."
    )
    languages: list[str] = strawberry.field(description="Its languages, as in BCP 47: en, de-AT.")
    creators: list[Creator] = strawberry.field(description="Who made it, in order.")
    identifiers: list[Identifier] = strawberry.field(description="Its standard identifiers.")
    addresses: list[str] = strawberry.field(
        description="Where it stands on the web: host and path, normalised, without a scheme."
    )
    word_count: int | None = strawberry.field(description="How many words it has.")
    uniqueness: int | None = strawberry.field(
        description="How unlike others it is: a score from 0 to 100."
    )
    published_on: date | None = strawberry.field(description="The day it was first published.")
    rightholder: strawberry.ID | None = strawberry.field(
        description="The id of the rightholder who has the rights in it; for staff and partners "
        "only where that is a creator with a pseudonym."
    )
    canonical: strawberry.ID | None = strawberry.field(
        description="The work that this is a syndicated copy of, at any collective."
    )
    valid_from: datetime = strawberry.field(description="From when on this is so.")
    valid_to: datetime | None = strawberry.field(
        description="Before when it is so; null where no end is known."
    )

    @strawberry.field(description="What was said of it, in order; for staff and partners only.")
    async def changes(
        self, info: Info, first: int, after: str | None = None
    ) -> Connection[RegistryChange]:
        """List what was said of the work, from registering it on (BAD_PAGE, BAD_CURSOR).

        One request may ask for 5,000 changes at most, of all its works (TOO_MUCH_TO_SEARCH).
        """
        return await changes_of(info, WORKS.name, self.key, first, after)

    @strawberry.field(description="What was said of its provenance and authenticity, in order.")
    async def provenance(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> Connection[Provenance]:
        """List what had been said of it by an instant, now by default, withdrawn or not.

        `known_at` asks what was known then, for staff and partners only (NOT_ALLOWED). One request
        may ask for 5,000 at most, of all its works (BAD_PAGE, BAD_CURSOR, TOO_MUCH_TO_SEARCH).
        """
        return await provenance_of(info, self.key, first, after, at, known_at)

    @classmethod
    def of(cls, node: str, found: Found[rules.Work], *, whole: bool) -> "Work":
        """Show a work of this collective: whole to staff and partners, else as it is published."""
        body = found.body if whole else found.body.as_published()

        def whose(name: str | None) -> strawberry.ID | None:
            return None if name is None else strawberry.ID(f"{node}:{name}")

        return cls(
            key=found.thing,
            id=strawberry.ID(f"{node}:{found.thing}"),
            title=body.title,
            other_titles=list(body.other_titles),
            content_type=body.content_type,
            content_tier=None if body.content_tier is None else ContentTier(body.content_tier),
            languages=list(body.languages),
            creators=[
                Creator(
                    name=one.name,
                    role=one.role,
                    credit_line=one.credit_line,
                    pseudonym=one.pseudonym,
                    rightholder=whose(one.rightholder),
                )
                for one in body.creators
            ],
            identifiers=[Identifier.of(text) for text in body.identifiers],
            addresses=list(body.addresses),
            word_count=body.word_count,
            uniqueness=body.uniqueness,
            published_on=body.published_on,
            rightholder=whose(body.rightholder),
            canonical=None if body.canonical is None else strawberry.ID(body.canonical),
            valid_from=found.period.starts_at,
            valid_to=found.period.ends_at,
        )


@strawberry.input(description="A creator as described.")
class CreatorInput:
    """Who made a work."""

    name: str = strawberry.field(description="The name, at most 1,000 characters.")
    role: rules.CreatorRole = strawberry.field(
        default=rules.CreatorRole.AUTHOR, description="What they did."
    )
    credit_line: str | None = strawberry.field(
        default=None, description="The text to print where the work is used."
    )
    pseudonym: str | None = strawberry.field(
        default=None, description="The name that the work appeared under, where it is another."
    )
    rightholder: str | None = strawberry.field(
        default=None, description="The id, within the collective, of the rightholder that this is."
    )


@strawberry.input(description="What is said of a work: the whole of it, at each change.")
class WorkInput:
    """A work as it is described; what is left out is not known."""

    title: str = strawberry.field(description="Its title, at most 1,000 characters.")
    content_type: rules.ContentType = strawberry.field(
        default=rules.ContentType.OTHER, description="What kind of thing it is."
    )
    other_titles: list[str] = strawberry.field(
        default_factory=list, description="Subtitles, translations, variants; at most 20."
    )
    languages: list[str] = strawberry.field(
        default_factory=list, description="Its languages, as in BCP 47; at most 20."
    )
    creators: list[CreatorInput] = strawberry.field(
        default_factory=list, description="Who made it, in order; at most 100."
    )
    identifiers: list[str] = strawberry.field(
        default_factory=list,
        description="At most 50, as SCHEME:value: ISBN, ISSN, DOI, ISWC, ISRC or ISCC.",
    )
    addresses: list[str] = strawberry.field(
        default_factory=list, description="Where it stands on the web, as URLs; at most 100."
    )
    content_tier: ContentTier | None = strawberry.field(
        default=None, description="One of the content tiers of the federation's terms."
    )
    word_count: int | None = strawberry.field(default=None, description="How many words it has.")
    uniqueness: int | None = strawberry.field(default=None, description="A score from 0 to 100.")
    published_on: date | None = strawberry.field(
        default=None, description="The day it was first published."
    )
    rightholder: str | None = strawberry.field(
        default=None, description="The id, within the collective, of who has the rights in it."
    )
    canonical: str | None = strawberry.field(
        default=None, description="The work that this is a syndicated copy of: GB:W-17."
    )

    def draft(self) -> rules.DraftWork:
        """Return what is described, to be read."""
        return rules.DraftWork(
            title=self.title,
            content_type=self.content_type,
            other_titles=self.other_titles,
            languages=self.languages,
            creators=[
                rules.DraftCreator(
                    one.name, one.role, one.credit_line, one.pseudonym, one.rightholder
                )
                for one in self.creators
            ],
            identifiers=self.identifiers,
            addresses=self.addresses,
            content_tier=self.content_tier,
            word_count=self.word_count,
            uniqueness=self.uniqueness,
            published_on=self.published_on,
            rightholder=self.rightholder,
            canonical=self.canonical,
        )
