"""A signed statement on rights, opened by the published keys and none of our code."""

import base64
import json

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256


def opened(text, keys):
    """Check a compact JWS as RFC 7515 says, and return its header and what it says."""
    head, body, signature = text.split(".")
    header = json.loads(unpacked(head))
    [key] = [one for one in keys if one["kid"] == header["kid"]]
    x, y = (int.from_bytes(unpacked(key[name])) for name in ("x", "y"))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    raw = unpacked(signature)
    numbers = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public.verify(numbers, f"{head}.{body}".encode(), ec.ECDSA(SHA256()))
    return header, json.loads(unpacked(body))


def unpacked(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def keys_of(shop, code):
    async with shop.http.get(f"{shop.running[code].url}/.well-known/jwks.json") as answer:
        return (await answer.json())["keys"]
