"""The usual spellings of a database's address, and what their drivers are given."""

import pytest

from federation.store.database_url import BadDatabaseUrlError, apart_from_password, locate

AT = "//hub:p%40ss@db.example:6432/hub"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
@pytest.mark.parametrize("tls", ["sslmode=verify-full&sslrootcert=/ca.pem", ""])
def test_any_usual_url_of_postgresql_is_read_by_the_driver_itself(scheme, tls):
    found = locate(f"{scheme}:{AT}?{tls}")

    assert found.url.render_as_string() == "postgresql+asyncpg://"
    query = "?sslmode=verify-full&sslrootcert=%2Fca.pem" if tls else ""
    assert found.arguments == {"dsn": f"postgresql:{AT}{query}", "timeout": 10.0}
    assert found.place == "postgresql://hub:***@db.example:6432/hub"


def test_what_drivers_spell_otherwise_is_translated():
    found = locate(
        "postgresql+asyncpg:///hub?ssl=require&host=/run/pg&connect_timeout=3&keepalives=1"
    )

    dsn = "postgresql:///hub?host=%2Frun%2Fpg&sslmode=require"
    assert found.arguments == {"dsn": dsn, "timeout": 3.0}
    assert found.place == "postgresql:///hub?host=%2Frun%2Fpg"


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite"])
def test_a_file_is_sqlites(scheme):
    found = locate(f"{scheme}:////data/hub.sqlite")

    assert (found.url.render_as_string(), found.place) == (
        "sqlite+aiosqlite:////data/hub.sqlite",
        "/data/hub.sqlite",
    )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://db/hub", "mysql: postgresql:// and sqlite:/// are known"),
        ("hub.sqlite", "it is no URL, as postgresql://user@host/name is"),
        ("postgresql://db:port/hub", "it is no URL, as postgresql://user@host/name is"),
        ("postgresql://db/hub?connect_timeout=soon", "connect_timeout is a number of seconds"),
        (
            "postgresql://db/hub?channel_binding=require",
            "channel_binding=require is not offered here; leave it out",
        ),
    ],
)
def test_what_is_no_address_of_a_database_is_refused_by_its_reason(url, reason):
    with pytest.raises(BadDatabaseUrlError) as refusal:
        locate(url)

    assert refusal.value.detail == reason


@pytest.mark.parametrize(
    "url", [f"postgresql:{AT}?", "postgresql://hub@db.example:6432/hub?password=p%40ss&"]
)
def test_no_command_line_has_a_password_wherever_the_url_says_it(url):
    assert apart_from_password(f"{url}sslmode=require") == (
        "postgresql://hub@db.example:6432/hub?sslmode=require",
        "p@ss",
    )
    assert apart_from_password("postgresql:///hub") == ("postgresql:///hub", None)
