"""The one file of a site: read whole or refused by name, and what it makes of a gate."""

import json

import pytest

from federation.site.install import gate_of, protect, protect_wsgi
from federation.site.settings import (
    Settings,
    SettingsError,
    SiteClient,
    new_settings,
    read_settings,
    read_site,
)

NODE = "https://node-xx.example"


@pytest.fixture
def write(site, tmp_path):
    said = {
        "version": 1,
        "node": NODE,
        "member": "M-17",
        "node_keys": [site.node_key.public_jwk()],
        "hub_keys": [site.hub_key.public_jwk()],
        "client": {"id": "site-1", "secret": "cc_secret"},
        "origins": ["https://pub.example"],
    }

    def write(text=None, *, chmod=0o600, **changes):
        path = tmp_path / "federation-site.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(said | changes) if text is None else text, encoding="utf-8")
        path.chmod(chmod)
        return path

    return write


def test_what_the_file_does_not_say_is_the_careful_choice(write, tmp_path):
    site = read_site(write())

    assert (site.node, site.member_id, site.origins) == (NODE, "M-17", ("https://pub.example",))
    assert (site.mode, site.unit, site.directory) == ("enforce", "REQUEST", tmp_path / "state")
    assert (site.client.client_id, site.client.secret) == ("site-1", "cc_secret")


def test_everything_the_file_says_is_done(write):
    crawlers = {"unnamed": True, "also": ["Acme"], "never": ["GPTBot"]}
    site = read_site(write(directory="/var/lib/site", unit="BYTE", proxies=1, crawlers=crawlers))
    scope = {
        "headers": [(b"user-agent", b""), (b"x-forwarded-for", b"203.0.113.9")],
        "client": None,
    }

    assert (str(site.directory), site.unit) == ("/var/lib/site", "BYTE")
    assert site.client_address(scope) == "203.0.113.9"
    assert site.is_bot(scope)
    for agent, is_asked in ((b"acme/1", True), (b"GPTBot/1", False), (b"ClaudeBot", True)):
        assert site.is_bot({"headers": [(b"user-agent", agent)]}) is is_asked


@pytest.mark.parametrize("protect_it", [protect, protect_wsgi])
def test_a_gate_is_installed_by_the_name_of_its_file(write, protect_it):
    gate = protect_it(None, str(write())).gate

    assert not gate.is_observing
    assert gate_of(write())[0].config.origins == ("https://pub.example",)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"version": 2}, "version"),
        ({"node": ""}, "node"),
        ({"nodes": "x"}, "nodes"),
        ({"client": {"id": "a"}}, "secret"),
        ({"client": {"id": "a", "secret": "b", "key": "c"}}, "key"),
        ({"origins": []}, "origins"),
        ({"unit": "PAGE"}, "unit"),
        ({"proxies": -1}, "proxies"),
        ({"crawlers": {"except": []}}, "except"),
        ({"node_keys": []}, "node_keys"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(write, changes, named):
    with pytest.raises(SettingsError, match=named):
        read_settings(write(**changes))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mode": "watch"}, r"mode is 'watch': say enforce or observe\)$"),
        ({"unit": "PAGE"}, r"unit is 'PAGE': say REQUEST or BYTE\)$"),
        ({"version": 2}, r"version is 2: say 1\)$"),
        (
            {"origins": ["https://pub.example/news"]},
            r"the path is too much: https://pub\.example/n",
        ),
        ({"origins": ["pub.example"]}, r"not like https://host: pub\.example\)$"),
    ],
)
def test_of_what_is_not_allowed_it_is_said_what_is(write, changes, told):
    with pytest.raises(SettingsError, match=told):
        read_settings(write(**changes))


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", "[" * 20_000, "x" * 300_000])
def test_what_is_no_such_file_is_refused(write, text):
    with pytest.raises(SettingsError):
        read_settings(write(text))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_may_read_is_refused(write, mode):
    with pytest.raises(SettingsError, match="chmod 600"):
        read_settings(write(chmod=mode))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.json: No such file"):
        read_settings(tmp_path / "nowhere.json")


def test_the_secret_is_not_shown(write):
    assert "cc_secret" not in repr(read_settings(write())) + repr(read_site(write()).client)


@pytest.fixture
def drawn(site):
    """What a file is to say."""
    return Settings(
        node=NODE,
        member="M-17",
        node_keys=(site.node_key.public_jwk(),),
        hub_keys=(site.hub_key.public_jwk(),),
        client=SiteClient(id="site-1", secret="cc_secret"),
        origins=("https://pub.example",),
    )


@pytest.mark.parametrize("left", [b" ", b" " * (256 << 10)])
def test_the_blank_file_of_somebody_who_was_killed_is_written_in_its_place(drawn, tmp_path, left):
    path = tmp_path / "federation-site.json"
    path.write_bytes(left)
    path.chmod(0o644)

    with new_settings(path) as write:
        write(drawn)

    assert read_settings(path) == drawn
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("there", [b"", b"{}", b" " * 1000 + b"x", b" " * ((256 << 10) + 1)])
def test_a_file_in_which_anything_stands_is_left_as_it_is(tmp_path, there):
    path = tmp_path / "federation-site.json"
    path.write_bytes(there)

    with pytest.raises(SettingsError, match="is there already"), new_settings(path):
        pass

    assert path.read_bytes() == there


def test_a_blank_file_that_is_being_written_and_a_link_are_nobodys_to_take(drawn, tmp_path):
    path, link = tmp_path / "federation-site.json", tmp_path / "link.json"
    with new_settings(path) as write:
        link.symlink_to(path)
        for each in (path, link):
            with pytest.raises(SettingsError, match="is there already"), new_settings(each):
                pass
        write(drawn)

    assert read_settings(path) == drawn
