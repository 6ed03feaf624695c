"""What a person heard by another channel is held against an applicant's key, and shows it not."""

from datetime import UTC, datetime

from federation.people.admission import FingerprintError, require_fingerprint
from federation.trust.tables import Application
from tests.databases import refused

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
GB = "https://gb.example"


async def test_a_refused_fingerprint_does_not_say_which_one_would_be_taken(database):
    async with database.write("test") as session:
        session.add(
            Application(
                code="GB",
                entity_id=GB,
                url=GB,
                jwk="{}",
                key_id="the-applicants",
                terms="{}",
                state="APPLIED",
                received_at=NOW,
            )
        )

    refusal = await refused(
        database, FingerprintError, lambda session: require_fingerprint(session, 1, "another")
    )
    assert refusal.detail == "application 1: not the one that was stated"
    async with database.read() as session:
        await require_fingerprint(session, 1, " the-applicants ")
