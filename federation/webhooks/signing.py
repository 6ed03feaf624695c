"""Secrets and signatures of webhooks, as the Standard Webhooks convention has them. Pure.

https://www.standardwebhooks.com
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32  # the convention takes 24 to 64


def new_secret() -> str:
    """Draw a secret, `whsec_` and 32 bytes in base64."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(event: str, at: datetime, body: bytes, signed_with: Iterable[str]) -> dict[str, str]:
    """Return the headers of an attempt made `at` an instant, with a signature for each secret."""
    seconds = str(int(at.timestamp()))
    signed = b".".join((event.encode(), seconds.encode(), body))
    return {
        "webhook-id": event,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(each, signed) for each in signed_with),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix(PREFIX))
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()
