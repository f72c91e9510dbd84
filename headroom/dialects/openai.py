"""What OpenAI's two APIs share: roles, errors, and where shorter paths lead."""

from __future__ import annotations

import re

from headroom.conversation import Json, Role
from headroom.dialects.shapes import mapping, text_of

ROLES: dict[str, Role] = {"system": "system", "developer": "system", "assistant": "assistant"}

KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
"""By these, rather than by the type, clients tell one error from another."""

BOUND = re.compile(r"reasoning|encrypted[_ ]content", re.IGNORECASE)
BROKEN = re.compile(
    r"mismatch|(?:do(?:es)? not|doesn't|don't|no longer) match|could not be (?:verified|decrypted|parsed)|was modified"
    r"|without its required|invalid[_ ]encrypted|invalid\b.{0,30}\bsignature",
    re.IGNORECASE,
)


def forward(target: str) -> str:
    """Clients that were given the bare URL leave out the version, which the provider wants."""
    return target if target.startswith("/v1/") else "/v1" + target


def error(status: int, message: str, kind: str = "") -> Json:
    usual = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind or KINDS.get(status, usual), "param": None, "code": kind or CODES.get(status)}}


def mismatch(status: int, body: Json) -> bool:
    """Of reasoning items: they are bound to what stands around them, and encrypted."""
    error = mapping(mapping(body).get("error"))
    words = f"{text_of(error.get('message'))} {text_of(error.get('code'))}"
    return (
        status == 400 and error.get("type") == "invalid_request_error"
        and BOUND.search(words) is not None and BROKEN.search(words) is not None
    )
