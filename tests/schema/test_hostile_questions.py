"""What graphql-cop looks for at a server: each of its thirteen checks, as it asks."""

import httpx
import pytest

from tests.schema import probe

NAME = "{ __typename }"


@pytest.fixture
async def ask():
    transport = httpx.ASGITransport(app=probe.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:

        async def answer(query):
            return (await client.post("/graphql", json={"query": query})).json()

        answer.client = client
        yield answer


async def aliases(ask):
    found = await ask(f"{{ {' '.join(f'a{number}: __typename' for number in range(101))} }}")
    return "data" in found


async def batches(ask):
    found = await ask.client.post("/graphql", json=[{"query": NAME}] * 10)
    return isinstance(found.json(), list)


async def circular_introspection(ask):
    inner = "name"
    for _ in range(4):
        inner = f"fields {{ type {{ {inner} fields {{ name }} }} }}"
    return "data" in await ask(f"{{ __schema {{ types {{ {inner} }} }} }}")


async def directives(ask):
    return len((await ask(f"{{ __typename {'@aa' * 10} }}"))["errors"]) == 10


async def duplicated_fields(ask):
    return "data" in await ask(f"{{ {'__typename ' * 500} }}")


async def suggestions(ask):
    found = await ask("{ __schema { directive } }")
    return "Did you mean" in found["errors"][0]["message"]


async def mutation_by_get(ask):
    found = await ask.client.get("/graphql", params={"query": "mutation { __typename }"})
    return "data" in found.json()


async def query_by_get(ask):
    return "data" in (await ask.client.get("/graphql", params={"query": NAME})).json()


async def explorer(ask):
    found = await ask.client.get("/graphql", headers={"accept": "text/html"})
    return "graphiql" in found.text.lower()


async def introspection(ask):
    return "data" in await ask("{ __schema { types { name fields { name } } } }")


async def urlencoded_post(ask):
    return "data" in (await ask.client.post("/graphql", data={"query": NAME})).json()


async def tracing(ask):
    return "extensions" in await ask(NAME)


async def unhandled_error(ask):
    found = await ask("qwerty cop { abc }")
    return "exception" in found["errors"][0].get("extensions", {})


CHECKS = [
    aliases,
    batches,
    circular_introspection,
    directives,
    duplicated_fields,
    suggestions,
    mutation_by_get,
    query_by_get,
    explorer,
    introspection,
    urlencoded_post,
    tracing,
    unhandled_error,
]


# The schema is public, GraphQL over HTTP has queries by GET, and GraphiQL is for everybody.
ON_PURPOSE = {introspection, query_by_get, explorer}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_only_what_is_open_on_purpose_is_found(ask, check):
    assert await check(ask) is (check in ON_PURPOSE)
