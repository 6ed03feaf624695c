"""An upgrade is done whole or not at all, on both backends."""

import pytest
from sqlalchemy import inspect, text

from federation.store import migrations
from tests.databases import on_connection


async def test_an_upgrade_that_ends_in_the_middle_leaves_no_table(empty_url, monkeypatch):
    def half(connection):
        connection.execute(text("CREATE TABLE half (id INTEGER)"))
        connection.execute(text("ALTER TABLE half ADD COLUMN other INTEGER"))
        raise KeyboardInterrupt

    monkeypatch.setattr(migrations, "upgrade", half)
    with pytest.raises(KeyboardInterrupt):
        await migrations.upgrade_database(empty_url)

    assert await on_connection(empty_url, lambda c: inspect(c).get_table_names()) == []
