import pytest

from federation.access.callers import caller_of

V6 = "2001:db8:1:2:3:4:5:6"


@pytest.mark.parametrize(
    ("written", "proxies", "caller"),
    [
        (["203.0.113.1"], 0, ""),
        (["203.0.113.1"], 1, "203.0.113.1"),
        (["198.51.100.1, 203.0.113.1"], 1, "203.0.113.1"),
        (["198.51.100.1", "203.0.113.1, 10.0.0.9"], 2, "203.0.113.1"),
        (["203.0.113.1"], 2, ""),
        ([], 1, ""),
        (["198.51.100.1,"], 1, ""),
        (["203.0.113.1:50123"], 1, "203.0.113.1"),
        ([V6], 1, "2001:db8:1:2::/64"),
        ([f"[{V6}]"], 1, "2001:db8:1:2::/64"),
        ([f"[{V6}]:50123"], 1, "2001:db8:1:2::/64"),
        (["::ffff:203.0.113.1"], 1, "203.0.113.1"),
        (["unknown"], 1, "unknown"),
        (["x" * 1000], 1, "x" * 100),
    ],
)
def test_the_caller_is_whom_the_outermost_of_ones_own_proxies_named(written, proxies, caller):
    assert caller_of(written, proxies) == caller
