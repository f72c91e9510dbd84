"""Ask a running proxy, from another process on this machine, what its control routes know."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from headroom.conversation import Json
from headroom.errors import OurError
from headroom.patterns import How

ASK_SECONDS = 10.0
"""A control route answers in milliseconds; whoever asks waits in front of a terminal or an agent."""


class NoProxy(OurError):
    """Nobody answers there, or somebody who is no proxy of ours."""


@dataclass(frozen=True, slots=True)
class Running:
    """A proxy that should be running."""

    base: str
    """http://host:port, perhaps with a path."""
    token: str = field(default="", repr=False)

    def original(self, key: str, how: How = "whole", *, person: bool = False) -> str | None:
        """The text under a key, None if it has none; `how` much of it is asked for is counted there, unless it is for a
        person. Raises OurError."""
        answer = self._get(f"/v1/retrieve/{key}?how={how}{'&by=person' if person else ''}")
        if answer is None:
            return None
        text = answer.get("text") if isinstance(answer, dict) else None
        if not isinstance(text, str):
            raise self._nobody()
        return text

    def stats(self) -> dict[str, Json]:
        """Raises OurError."""
        answer = self._get("/stats")
        if not isinstance(answer, dict):
            raise self._nobody()
        return answer

    def _get(self, path: str) -> Json:
        """The JSON of a control route, None for a 404."""
        headers = {"X-Headroom-Proxy-Token": self.token} if self.token else {}
        # Loopback must not go through a corporate proxy that HTTP_PROXY names.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            request = urllib.request.Request(self.base.rstrip("/") + path, headers=headers)
            with opener.open(request, timeout=ASK_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                return None
            raise OurError(f"the proxy at {self.base} answers {error.code}") from None
        except (OSError, http.client.HTTPException, ValueError):
            raise self._nobody() from None

    def _nobody(self) -> NoProxy:
        return NoProxy(f"no Headroom proxy answers at {self.base}; start it with `headroom proxy`, or name its address with --url or HEADROOM_PORT")
