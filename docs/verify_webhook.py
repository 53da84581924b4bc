"""Verifies a webhook as the Standard Webhooks specification says; Python 3, nothing else.

As a program: WEBHOOK_SECRET=... verify_webhook.py ID TIMESTAMP SIGNATURE < BODY; it exits 0 if the signature is right.
"""

import base64
import hashlib
import hmac
import os
import sys
import time


def verify(secret: str, id: str, timestamp: str, signature: str, body: bytes, now: float) -> bool:
    """The headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, and the body to the byte as it came."""
    if abs(now - int(timestamp)) > 300:
        return False  # Somebody sends again what was sent long ago.
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    signed = f"{id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, one) for one in signature.split())


if __name__ == "__main__":
    now = float(os.environ.get("WEBHOOK_NOW", time.time()))
    is_right = verify(os.environ["WEBHOOK_SECRET"], *sys.argv[1:4], sys.stdin.buffer.read(), now)
    sys.exit("the signature is wrong or too old" if not is_right else 0)
