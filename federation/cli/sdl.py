"""The schemas as text: what is committed and what a release promises."""


def sdl(role: str) -> str:
    """Return the schema of `hub` or `node` in GraphQL's schema language."""
    if role == "hub":
        from federation.schema.hub import schema  # noqa: PLC0415 - one role at a time
    else:
        from federation.schema.node import schema  # noqa: PLC0415
    return schema.as_str() + "\n"
