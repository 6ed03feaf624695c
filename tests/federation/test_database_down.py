"""A hub whose PostgreSQL does not answer says so, and serves again by itself once it does."""

import asyncpg
import msgspec
import pytest
from sqlalchemy import make_url

from federation.clock import system_clock
from federation.hub.app import create_hub
from federation.scenario.servers import http_session, hub_config
from federation.store.database_url import locate
from tests.federation.harness import write_scenario

DOWN = {
    "code": "DATABASE_DOWN",
    "message": "The server's database does not answer now; the same may be asked again soon.",
}
QUERY = "{ collectives { code } }"


@pytest.fixture
async def hub(postgres, tmp_path):
    """A hub on a database of its own, and a way to keep everybody out of it."""
    async with postgres.url(migrated=True) as url:
        config = hub_config(write_scenario(tmp_path / "files"), tmp_path)
        service = create_hub(msgspec.structs.replace(config, database_url=url), system_clock)
        await service.start()

        async def lets_in(is_open):
            name = make_url(url).database
            elsewhere = await asyncpg.connect(
                locate(url).arguments["dsn"].replace(f"/{name}?", "/postgres?")
            )
            await elsewhere.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {is_open}")
            if not is_open:
                ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
                await elsewhere.fetch(ends, name)
            await elsewhere.close()

        yield service, lets_in
        await lets_in(True)
        await service.stop()


async def test_while_the_database_is_down_all_doors_say_so_and_then_serve_again(hub):
    service, lets_in = hub
    key = {"Authorization": f"Bearer {'a.b.c'}"}

    async with http_session() as http:

        async def asked(path, query=None):
            if query is None:
                async with http.get(f"{service.url}{path}", headers=key) as answer:
                    return answer.status, await answer.json()
            async with http.post(f"{service.url}{path}", json={"query": query}) as answer:
                assert ("Retry-After" in answer.headers) == (answer.status == 503)
                return answer.status, await answer.json()

        _, before = await asked("/graphql", QUERY)
        assert "errors" not in before
        await lets_in(False)

        for _ in range(2):
            said = [{"message": DOWN["message"], "extensions": {"code": DOWN["code"]}}]
            assert await asked("/graphql", QUERY) == (503, {"errors": said})
            assert await asked("/statuslists/0") == (503, DOWN)
            status, ready = await asked("/readyz")
            assert (status, ready["checks"]) == (
                503,
                {"database": False, "revision": False, "keys": False, "voice": True},
            )
            assert (await asked("/healthz"))[0] == 200

        await lets_in(True)
        assert await asked("/graphql", QUERY) == (200, before)
        status, ready = await asked("/health/ready")
        assert (status, ready["ready"], set(ready["checks"].values())) == (200, True, {True})
