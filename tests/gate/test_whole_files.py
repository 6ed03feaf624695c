"""A file is there whole or as it was, and on the disk before its name is."""

import os
from pathlib import Path

import pytest

from federation.gate.whole_files import ITS_OWN, replace_whole


def test_a_file_is_replaced_with_its_mode_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "state" / "keys.json"
    replace_whole(path, b"one")
    replace_whole(path, b"two", ITS_OWN)

    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", 0o600)
    assert [each.name for each in path.parent.iterdir()] == ["keys.json"]


def test_its_bytes_are_on_the_disk_before_its_name_and_its_name_before_it_returns(
    tmp_path, monkeypatch
):
    done, fsync, replace = [], os.fsync, type(tmp_path).replace

    def noted_fsync(handle):
        done.append(Path(f"/proc/self/fd/{handle}").readlink().name.partition(".")[0])
        fsync(handle)

    def noted_replace(path, target):
        done.append("its name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(type(tmp_path), "replace", noted_replace)
    replace_whole(tmp_path / "policy", b"one")

    assert done == ["policy", "its name", tmp_path.name]


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_what_fails_leaves_the_file_as_it_was_and_no_draft(tmp_path, monkeypatch, failing):
    path = tmp_path / "keys.json"
    replace_whole(path, b"one")

    def fail(*_):
        raise OSError(28, "No space left on device")

    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(os, "open", fail)
    with pytest.raises(OSError, match="No space"):
        replace_whole(path, b"two")
    monkeypatch.undo()

    assert path.read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]
