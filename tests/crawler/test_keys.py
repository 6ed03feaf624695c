"""A crawler's key is made once, for its owner alone."""

import stat

import pytest

from federation.crawler.keys import crawl_key
from federation.signing.keys import InvalidKeyError


def test_a_key_is_made_once_and_read_from_then_on(tmp_path):
    path = tmp_path / "crawl-key.pem"

    made, read = crawl_key(path), crawl_key(path)

    assert made.kid == read.kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("mode", "content"), [(0o644, None), (0o600, b"not a key")])
def test_a_file_that_others_may_read_or_that_holds_none_is_refused_and_left(
    tmp_path, mode, content
):
    path = tmp_path / "crawl-key.pem"
    crawl_key(path)
    if content is not None:
        path.write_bytes(content)
    path.chmod(mode)
    before = path.read_bytes()

    with pytest.raises(InvalidKeyError):
        crawl_key(path)
    assert path.read_bytes() == before
