"""What an import says of the hosts that it found."""

from federation.accesslogs.saying import said_of_hosts
from tests.accesslogs.publisher import Publisher, a_judge, combined, part

ORIGINS = ["http://press.localhost:8000", "https://press.example"]


def test_hosts_that_are_none_of_the_sites_are_named_beside_its_origins():
    told = said_of_hosts(["press.localhost", "other.example"], ORIGINS)

    assert told == (
        "  OTHER_SITE: press.localhost, other.example"
        " (origins: http://press.localhost:8000 https://press.example)\n"
    )
    assert said_of_hosts([], ORIGINS) == ""


def test_of_other_hosts_three_are_named_and_nothing_that_is_no_name(tmp_path):
    judge = a_judge()
    hosts = ["a.example", "somebody@b.example", "a.example", "c.example", "d.example"]
    log = tmp_path / "access.log"
    lines = [combined(kit=(host, part(), "-", "-")) for host in hosts]
    log.write_bytes(b"\n".join([*lines, b""]))

    read = Publisher(tmp_path, judge).read(log)

    assert read.fates == {"OTHER_SITE": 5}
    assert list(judge.other_hosts) == ["a.example", "no name of a host", "c.example"]
