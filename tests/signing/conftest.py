"""Keys, an instant, and tokens signed over any header and any bytes."""

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from federation.signing.keys import SigningKey

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def now():
    return NOON


@pytest.fixture(scope="session")
def key():
    return SigningKey.generate()


@pytest.fixture(scope="session")
def other_key():
    return SigningKey.generate()


@pytest.fixture(scope="session")
def forge():
    """Sign header and payload as they are given, with none of the door's care."""

    def make(key, header, payload):
        head = header if isinstance(header, bytes) else json.dumps(header).encode()
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        text = f"{b64(head)}.{b64(body)}"
        der = key._key.private_key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        return f"{text}.{b64(r.to_bytes(32) + s.to_bytes(32))}"

    return make
