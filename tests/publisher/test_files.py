"""What the doctor says of a site's own files: owners, modes, room."""

import os

import pytest

from federation.gate.nonces import NonceStore
from federation.gate.spool import SPOOL_BYTES_MAX
from federation.publisher import files
from federation.publisher.files import Looked, looked_over, name_of
from federation.signing.signatures import Proof
from tests.site.conftest import NOON


@pytest.fixture
def directory(tmp_path):
    spool = tmp_path / "state" / "spool"
    spool.mkdir(parents=True, mode=0o700)
    for name in ("one.batch", "two.open"):
        (spool / name).write_text("{}\n")
    return tmp_path / "state"


def told(directory):
    return [each for each in looked_over(directory) if each.what != "disk"]


def test_where_all_is_one_users_nothing_is_said(directory):
    [disk] = looked_over(directory)

    assert (disk.what, told(directory)) == ("disk", [])


def test_a_file_of_another_user_is_named_with_what_to_do(directory, monkeypatch):
    path, stat = directory / "spool" / "one.batch", type(directory).stat
    user = name_of(os.geteuid())

    def of_others(each, **options):
        found = stat(each, **options)
        changed = (*found[:4], 4242, *found[5:])
        return os.stat_result(changed) if each == path else found

    monkeypatch.setattr(type(directory), "stat", of_others)

    assert told(directory) == [
        Looked(str(path), "belongs to 4242", f"the site's files are {user}'s: chown {user} {path}")
    ]


def test_a_file_and_a_folder_that_their_own_user_may_not_use_are_named(directory):
    (directory / "visits.json").touch(mode=0o400)
    (directory / "spool").chmod(0o500)
    try:
        found = told(directory)
    finally:
        (directory / "spool").chmod(0o700)

    assert found == [
        Looked(
            str(directory / "spool"),
            "its own user may not use it (dr-x------)",
            f"chmod u+rwx {directory / 'spool'}",
        ),
        Looked(
            str(directory / "visits.json"),
            "its own user may not use it (-r--------)",
            f"chmod u+rw {directory / 'visits.json'}",
        ),
    ]


def nonces(directory, number):
    store = NonceStore(directory / "nonces.sqlite")
    for each in range(number):
        store.take(Proof("key", str(each), int(NOON.timestamp()) + 60), "lab", NOON)
    store.close()
    return directory / "nonces.sqlite"


def test_a_file_of_nonces_that_is_whole_is_looked_at_and_left_as_it_is(directory):
    path = nonces(directory, 100)
    before = {each: each.read_bytes() for each in directory.iterdir() if each.is_file()}

    assert told(directory) == []
    assert {each: each.read_bytes() for each in directory.iterdir() if each.is_file()} == before
    path.write_bytes(b"")  # made, and not written yet
    assert told(directory) == []


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (lambda _: b"Somebody's file." * 1000, "file is not a database"),
        (lambda whole: whole[:4096] + bytes(len(whole) - 4096), "a part of it is damaged"),
        (lambda whole: whole[:-4096], "database disk image is malformed"),
    ],
    ids=["another's", "blank", "cut"],
)
def test_a_file_of_nonces_that_is_spoilt_is_named_with_what_to_do(directory, spoilt, why):
    path = nonces(directory, 1000)
    path.write_bytes(spoilt(path.read_bytes()))

    assert told(directory) == [
        Looked(
            str(path),
            f"is no whole database ({why})",
            f"stop the site for three minutes, delete {path}, and start it: signed requests wait",
        )
    ]


def test_a_full_spool_is_said(directory):
    with (directory / "spool" / "one.batch").open("r+b") as file:
        file.truncate(SPOOL_BYTES_MAX)  # as a hole: nothing is written

    [found] = told(directory)
    assert (found.what, found.found) == ("spool", "FULL: 1024 MiB wait")


def test_of_many_wrong_files_twenty_are_named(directory):
    for number in range(22):
        (directory / f"file-{number:02}").touch(mode=0o400)

    found = told(directory)
    assert len(found) == 21
    assert found[-1].found == "2 more such files"


def test_where_no_directory_is_yet_the_folder_around_it_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(files.os, "access", lambda *_: False)

    assert told(tmp_path / "state") == [
        Looked(
            str(tmp_path),
            "cannot be written",
            f"make {tmp_path / 'state'}, for the user of the site",
        )
    ]
