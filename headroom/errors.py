"""What can go wrong, whose fault it is, and the status it deserves.

Three families, by fault: the client's (4xx), the upstream's (502, 504), ours. What a client
sees of any of them is written by its dialect, in its provider's own error shape.
"""

from __future__ import annotations

import sys


def extra(name: str) -> str:
    """The command that adds an optional part. It names the Python we run in: a bare pip may belong to another one, and
    would fetch another project there that has our name on the package index."""
    return f"{sys.executable} -m pip install 'headroom[{name}]'"


class HeadroomError(Exception):
    """Anything we raise on purpose; `status` is what a client is told."""

    status = 500
    kind = ""
    """The error's `type` or code, where the provider's usual one for that status would mislead; "" where it says it."""

    def __init__(self, message: str, *, retry_after: int | None = None, fields: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields
        """More header fields of the answer."""
        self.retry_after = retry_after
        """Whole seconds after which the same request may succeed; sent as Retry-After."""


class ClientError(HeadroomError):
    """The client asked for something we will not or cannot do."""

    status = 400


class BadRequest(ClientError):
    """The request is not one we can read."""


class Unauthorized(ClientError):
    """The proxy token is missing or wrong."""

    status = 401


class Forbidden(ClientError):
    """The caller may not use this route from where it stands."""

    status = 403


class NotFound(ClientError):
    """There is nothing here by that name."""

    status = 404


class MethodNotAllowed(ClientError):
    """The route exists, the method does not."""

    status = 405


class TooLarge(ClientError):
    """The body is larger than --max-body."""

    status = 413


class UpgradeRefused(ClientError):
    """We do not speak the protocol the client wants to switch to; plain HTTP works."""

    status = 426


class TooMany(ClientError):
    """More than the limits allow; `retry_after` says when to come back."""

    status = 429


class OverBudget(ClientError):
    """What may be spent is spent. To ask again at once would not help, and clients do so after any other 429."""

    status = 429
    kind = "budget_exceeded"


class Busy(HeadroomError):
    """We, or our connections upstream, are full; nothing was sent."""

    status = 503


class UpstreamError(HeadroomError):
    """The provider could not be asked, or did not answer properly."""

    status = 502


class Unreachable(UpstreamError):
    """No connection could be made: not one byte of the request was sent."""


class Stale(UpstreamError):
    """A kept-alive connection died before one byte of the answer came: safe to resend once."""


class Garbled(UpstreamError):
    """The answer is not HTTP/1.1, or it broke off."""


class TimedOut(UpstreamError):
    """The provider took longer than the time-outs allow."""

    status = 504


class OurError(HeadroomError):
    """Our own configuration or state is at fault."""


class SettingsError(OurError):
    """A setting is wrong; commands exit with 2."""


class StoreError(OurError):
    """State could not be read or written; requests go on with unchanged bytes."""
