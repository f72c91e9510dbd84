"""Whose rows are whose: a tenant is a keyed hash of an identity, never the identity itself.

Credentials rotate within a session (OAuth), so a stable identity is preferred where the credential carries one.
Nothing here is verified: the provider does that. A forged identity only names rows of which the forger would
need the keys, which are hashes of texts it would have to know.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from urllib.parse import parse_qs

from headroom.http.message import Request

AWS_KEY = re.compile(r"Credential=([A-Z0-9]{16,128})/")
KEYS = (b"x-api-key", b"x-goog-api-key", b"api-key")
MAX_JWT = 16 * 1024


def identity(request: Request, verified: bool) -> str:
    """What a tenant is told apart by; "" without any credential. `verified`: the request has our proxy token."""
    user = request.get(b"x-headroom-user-id")
    if verified and user:
        return "user:" + user.decode("latin-1")
    authorization = (request.get(b"authorization") or b"").decode("latin-1")
    keys = [value.decode("latin-1") for name in KEYS if (value := request.get(name))]
    if key := _in_query(request.target):
        keys.append(key)
    # Who sends several is told apart by all: one of them may be a whole company's, for a gateway.
    return "\n".join(dict.fromkeys(filter(None, (_authorized(authorization), *map("key:{}".format, keys)))))


def _authorized(authorization: str) -> str:
    if match := AWS_KEY.search(authorization):
        return "aws:" + match[1]
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() == "bearer" and credential:
        return _subject(credential.strip()) or "key:" + credential.strip()
    return "auth:" + authorization if authorization else ""


def _in_query(target: str) -> str:
    """Google's APIs take ?key=… instead of X-Goog-Api-Key. Theirs are the paths that end in a method, models/gemini:generateContent;
    elsewhere a key may be something else, as in /v1/retrieve."""
    path, _, query = target.partition("?")
    return parse_qs(query).get("key", [""])[0] if ":" in path.rpartition("/")[2] else ""


def tenant(name: str, secret: bytes) -> str:
    """The keyed hash under which an identity's rows are kept; 32 hex digits."""
    return hmac.new(secret, name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


def _subject(token: str) -> str:
    """Issuer and subject of a JWT; "" if the token is not one."""
    pieces = token.split(".")
    if len(pieces) != 3 or len(token) > MAX_JWT:
        return ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(pieces[1] + "=" * (-len(pieces[1]) % 4)))
    except (ValueError, RecursionError):
        return ""
    if not isinstance(claims, dict) or not all(isinstance(claims.get(k), str) for k in ("iss", "sub")):
        return ""
    return f"jwt:{json.dumps([claims['iss'], claims['sub']])}"
