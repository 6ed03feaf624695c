"""Papers that prove something, in GraphQL: given and shown."""

import strawberry

from federation.values import papers


@strawberry.type(description="A paper that proves something; it is kept elsewhere.")
class Paper:
    """A paper by its digest, so that nobody can exchange it."""

    kind: str = strawberry.field(description="What it is: certificate of inheritance.")
    reference: str = strawberry.field(description="Where it is kept, or its number there.")
    sha256: str = strawberry.field(description="Its SHA-256 in 64 hex digits.")

    @classmethod
    def of(cls, found: papers.Paper) -> "Paper":
        """Show a paper."""
        return cls(kind=found.kind, reference=found.reference, sha256=found.sha256)


@strawberry.input(description="A paper that proves something; it is kept elsewhere.")
class PaperInput:
    """A paper as it is named."""

    kind: str = strawberry.field(description="What it is: certificate of inheritance.")
    reference: str = strawberry.field(description="Where it is kept, or its number there.")
    sha256: str = strawberry.field(description="Its SHA-256 in 64 lower-case hex digits.")

    def draft(self) -> papers.Paper:
        """Return what is named, to be read."""
        return papers.Paper(self.kind, self.reference, self.sha256)
