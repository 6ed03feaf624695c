"""The schemas as text: what is committed and what a release promises."""

import json
from typing import Literal


def sdl(role: str) -> str:
    """Return the schema of `hub` or `node` in GraphQL's schema language."""
    if role == "hub":
        from federation.schema.hub import schema  # noqa: PLC0415 - one role at a time
    else:
        from federation.schema.node import schema  # noqa: PLC0415
    return schema.as_str() + "\n"


def openapi_text(role: Literal["hub", "node"]) -> str:
    """Return what can be asked of `hub` or `node` over HTTP beside GraphQL, in OpenAPI 3.1."""
    from federation.edge.api.openapi import document  # noqa: PLC0415

    return json.dumps(document(role), indent=2, ensure_ascii=False) + "\n"
