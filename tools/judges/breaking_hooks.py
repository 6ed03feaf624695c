"""Read by schemathesis in its own Python: our media types and scalars, and what a defect is."""

from typing import Any

import schemathesis
from hypothesis import strategies as st
from hypothesis_graphql import nodes

UNEXPECTED, DEFECT = "UNEXPECTED", 500

schemathesis.serializer.alias("application/x-ndjson", "text/plain")

WORDS = st.sampled_from(["TRAIN", "GROUND", "standard", "nothing", ""])
schemathesis.graphql.scalar("LicensedUse", WORDS.map(nodes.String))
schemathesis.graphql.scalar("ContentTier", WORDS.map(nodes.String))
schemathesis.graphql.scalar("BigInt", st.integers().map(str).map(nodes.String))
schemathesis.graphql.scalar("Date", st.dates().map(str).map(nodes.String))
INSTANTS = st.datetimes(timezones=st.timezones()).map(lambda at: nodes.String(at.isoformat()))
schemathesis.graphql.scalar("DateTime", INSTANTS)


@schemathesis.check  # type: ignore[untyped-decorator]  # in a Python of its own
def no_defect(_: Any, response: Any, __: Any) -> None:
    """Refuse an answer that says that something here broke: a refusal is a good answer."""
    if response.status_code == DEFECT or UNEXPECTED in response.text:
        raise AssertionError(response.text[:500])
