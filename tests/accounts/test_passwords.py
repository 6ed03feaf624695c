"""Which passwords are refused, whatever keyboard wrote them; codes of the RFC's own examples."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from federation.accounts import one_time
from federation.accounts.passwords import WeakPasswordError, plain, require_strong
from federation.trust.key_secret import KeySecret, new_secret

WEAK = [
    "",
    "elevenchars",
    "x" * 129,
    "aaaaaaaaaaaaaaaa",
    "ababcdcdababcd",
    "123456789012",
    "abcdefghijklmnop",
    "9876543210987",
    "password1234",
    "Password!2026",
    "welcome-welcome-1",
    "passwordpassword",
    "caranovakcaranovak",
    "Federation2026",
    "cara.novak.1987",
    "Novak12345678",
    "0192837465_!",
    "correct horse battery staple",
]
STRONG = [
    "seven brown otters sing",
    "passwordotterspassword",
    "9Ffk2!xmQp0z",
    "пятьсот эскимо",
]


@pytest.mark.parametrize("password", WEAK)
def test_what_is_tried_first_is_refused(password):
    with pytest.raises(WeakPasswordError):
        require_strong(password, "cara", "Cara Novak", "Worldwide hub")


@pytest.mark.parametrize("password", [*STRONG, STRONG[0] + "x" * (128 - len(STRONG[0]))])
def test_what_is_long_enough_is_taken(password):
    require_strong(password, "cara", "Cara Novak", "Worldwide hub")


def test_a_password_is_one_however_it_is_typed():
    assert plain("Ångström Ⅻ") == plain("Ångström XII")


# RFC 6238, appendix B: its SHA-1 secret, with the last six of the eight digits.
SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = {
    59: "287082",
    1_111_111_109: "081804",
    1_111_111_111: "050471",
    1_234_567_890: "005924",
    2_000_000_000: "279037",
    20_000_000_000: "353130",
}


@pytest.fixture(scope="module")
def keys():
    return KeySecret([new_secret()], "a test")


@pytest.mark.parametrize("seconds", VECTORS)
def test_the_codes_are_those_of_the_rfc(keys, seconds):
    kept, now = keys.encrypted(SECRET.encode()), datetime.fromtimestamp(seconds, UTC)

    assert one_time.find_step(kept, keys, VECTORS[seconds], 0, now) == seconds // 30


def test_a_code_is_good_for_a_step_either_way_and_later_than_the_last_used(keys):
    kept, now = keys.encrypted(SECRET.encode()), datetime.fromtimestamp(1_111_111_109, UTC)
    step, code = 1_111_111_109 // 30, VECTORS[1_111_111_109]

    def found(by, used=0, shown=code):
        return one_time.find_step(kept, keys, shown, used, now + timedelta(seconds=30 * by))

    assert [found(by) for by in (-2, -1, 0, 1, 2)] == [None, step, step, step, None]
    assert (found(0, used=step), found(0, used=step - 1)) == (None, step)
    assert found(0, shown=f" {code[:3]} {code[3:]} ") == step
    for wrong in ("", code[:5], f"{code}0", "٠٨١٨٠٤", "abcdef", "081803"):
        assert found(0, shown=wrong) is None


def test_a_new_secret_has_160_bits():
    secret = one_time.new_secret()

    assert len(base64.b32decode(secret)) == 20
    assert secret != one_time.new_secret()
    assert one_time.uri_of(secret, "cara", "Worldwide hub") == (
        f"otpauth://totp/Worldwide%20hub:cara?secret={secret}&issuer=Worldwide%20hub"
    )
