"""What OpenAI's two APIs share: roles, error shapes, and where shorter paths lead."""

from __future__ import annotations

import re

from headroom.conversation import Json, Role
from headroom.dialects.turns import text_of

ROLES: dict[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool", "function": "tool",
}
KINDS = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "invalid_request_error",
    405: "invalid_request_error", 413: "invalid_request_error", 426: "invalid_request_error", 429: "rate_limit_error",
}
BOUND = re.compile(r"reasoning|encrypted_content", re.IGNORECASE)
BROKEN = re.compile(r"mismatch|does not match|could not be verified|without its required|invalid", re.IGNORECASE)


def forward(target: str) -> str:
    """Clients that were given the bare URL leave out the version, which the provider wants."""
    return target if target.startswith("/v1/") else "/v1" + target


def error(status: int, message: str, kind: str = "") -> Json:
    return {"error": {"message": message, "type": kind or KINDS.get(status, "server_error"), "param": None, "code": None}}


def mismatch(status: int, body: Json) -> bool:
    found = body.get("error") if isinstance(body, dict) else None
    words = text_of(found.get("message")) if isinstance(found, dict) else ""
    return status == 400 and bool(BOUND.search(words) and BROKEN.search(words))
