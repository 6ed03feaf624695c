"""One-time codes of a person's telephone (RFC 6238): six digits, another every 30 seconds."""

import hmac
from datetime import datetime
from typing import Final

from pyotp import random_base32
from pyotp.totp import TOTP

from federation.trust.key_secret import KeySecret

STEP_SECONDS: Final = 30
DRIFT_STEPS: Final = 1  # a clock may be so far off, either way (RFC 6238 §5.2)
SECRET_LENGTH: Final = 32  # of base32: 160 bits, as RFC 4226 §4 recommends
_DIGITS: Final = 6


def new_secret() -> str:
    """Make a secret, in base32."""
    return random_base32(SECRET_LENGTH)


def uri_of(secret: str, person: str, server: str) -> str:
    """Return what a telephone reads, as text or as a picture: `otpauth://totp/…`."""
    return TOTP(secret).provisioning_uri(name=person, issuer_name=server)


def find_step(encrypted: bytes, keys: KeySecret, code: str, used: int, now: datetime) -> int | None:
    """Return the step of a code that is right now and later than the last one used, else None."""
    digits = "".join(code.split())
    if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    totp = TOTP(keys.decrypted(encrypted).decode())
    present = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        is_right = hmac.compare_digest(totp.generate_otp(step), digits)
        if is_right and step > used:
            found = step
    return found
