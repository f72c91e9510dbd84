"""What a wire format must be able to say.

A dialect only reads and describes. The flow of a request exists once, in `proxy/exchange`; nothing
outside this family asks which dialect it is dealing with.
"""

from __future__ import annotations

from typing import Protocol

from headroom.conversation import Conversation, Json, Usage
from headroom.dialects.document import Document
from headroom.dialects.ties import Ties


class Dialect(Protocol):
    """One API. Stateless; wrong shapes in a body never raise, they only yield no parts."""

    @property
    def name(self) -> str:
        """For metrics and logs: "anthropic", "openai-chat", "openai-responses", "gemini"."""
        ...

    @property
    def provider(self) -> str:
        """Whose upstream it goes to: "anthropic", "openai" or "gemini"."""
        ...

    @property
    def turns(self) -> str:
        """The member of a body that holds the conversation."""
        ...

    def speaks(self, method: str, path: str) -> bool:
        """Whether a request is ours to read. `path` has no query."""
        ...

    def forward(self, target: str) -> str:
        """Path and query to ask the provider for, where clients know a shorter path than the provider does."""
        ...

    def read(self, document: Document, path: str) -> Conversation:
        """The texts of a body in the order the model reads them."""
        ...

    def ties(self, element: Json) -> Ties:
        """What ties one element of the conversation to others."""
        ...

    def noted(self, source: str, text: str) -> str:
        """JSON of an element that holds words of the user, with a text of ours behind them."""
        ...

    def bare(self, source: str) -> str | None:
        """JSON of an element without the reasoning that a provider refuses once what stands before it has changed; None if
        nothing is left. What providers pass over by themselves stays: without it they refuse what it led to."""
        ...

    def usage(self, message: Json) -> Usage | None:
        """What one JSON message of an answer (a whole body, or the data of one SSE event) says of tokens.

        Later messages of a stream override earlier ones field by field (see `merge` in http/sse).
        """
        ...

    def error(self, status: int, message: str, kind: str = "") -> Json:
        """An error body in the provider's own shape. `kind` overrides the provider's `type` for that status."""
        ...

    def broken(self, message: str) -> bytes:
        """The last bytes of an event stream that broke: the provider's own way to say so inside a stream."""
        ...

    def mismatch(self, status: int, body: Json) -> bool:
        """Whether an answer refuses the request because bound reasoning does not match the prefix it was sent."""
        ...
