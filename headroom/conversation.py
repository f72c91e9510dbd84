"""The one picture of a request that every dialect draws and every transform edits.

A conversation does not replace the JSON document it was read from. It lists the texts inside
that document, each with its address, so that reading is a projection, writing is a splice, and
whatever nobody edits reaches the provider as the bytes that came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from headroom.traces import Traces

Json = Any
"""A value as `json.loads` gives it."""

Address = tuple[str | int, ...]
"""Where a text lives in a body: member names and list positions from the top."""

Role = Literal["system", "user", "assistant", "tool"]

Grade = Literal["exact", "equal", "lossy", "addition"]
"""How much of an original can be read back from its short form. exact: an inverse gives the bytes.
equal: it gives the same JSON value or the same visible text. lossy: a marker says what is not shown.
addition: not a shortening but something of ours that was put in."""

Skip = Literal[
    "not_tool_output",  # system, user and assistant text, tool definitions and inputs are never touched
    "error",            # a result marked as an error stays verbatim
    "short",            # below the size at which shortening can pay
    "no_kind",          # no compressor recognises it
    "no_gain",          # recognised, but the short form would not be shorter
    "too_costly",       # past a work limit
    "file_read",        # a shorter form was found, but what may be a file must stay exact: an edit has to match it
    "no_way_back",      # only a lossy form would help, and the model could not get the original back
    "protected",        # only a lossy form would help, and the operator protects this tool's results
    "toin",             # its kind was asked for again too often, so nothing is left out of it (see headroom.patterns)
    "failed",           # a transform raised or broke its post-condition
    "marked",           # holds a marker of ours, or is a retrieved original
    "surrogates",       # not valid Unicode
    "foreign",          # history that was sent before we saw the conversation
    "sent_as_is",       # sent whole before, so it stays whole
    "opaque",           # images, documents and other blocks that are not text
    "not_json", "not_utf8", "not_an_object", "duplicate_keys", "too_deep",  # the body as a whole
    "too_large", "encoding", "bypass", "optimize_off",
]
"""Why a text left as it came. Each is counted, with its tokens, and shown."""


@dataclass(frozen=True, slots=True)
class Part:
    """One text in a conversation. Only parts with role "tool" may ever be edited."""

    role: Role
    text: str
    at: Address
    tool: str = ""
    """Name of the tool whose output this is."""
    call: Json = None
    """The input of the tool call this answers, as far as it is known."""
    error: bool = False
    """The client marked this result as a failure."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model's: consecutive elements of the conversation, and the parts in them."""

    start: int
    stop: int
    """Of elements, exclusive."""
    first: int
    last: int
    """Of parts, exclusive."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The texts of one request, in the order in which the model reads them."""

    model: str
    parts: tuple[Part, ...]
    fresh: int = 0
    """Index of the first part behind the last assistant turn: what stands before it was sent before."""
    stream: bool = False
    others: tuple[str, ...] = ()
    """What the model also reads but nobody edits (tool definitions, tool inputs); for counting."""
    kept_by_provider: bool = False
    """The provider holds earlier turns itself (previous_response_id, cachedContent …)."""
    forgets: bool = False
    """The provider may drop earlier results by itself (context editing, truncation), so none may be referred to."""
    definitions: tuple[tuple[Address, str], ...] = ()
    """Where each tool definition stands, and its JSON. They are among `others` too, at their head."""
    opaque: int = 0
    """Blocks that are not text (pictures, files, what is signed or encrypted), whose tokens nobody can tell from outside."""
    only_counted: bool = False
    """The request asks how many tokens it has: no turn of a conversation, so nothing of it was sent."""
    replies: tuple[Reply, ...] = ()
    tools_in: int | None = None
    """The element that brings the first tools, where they stand in the conversation itself."""
    gone: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """Part → parts before it that are left out of the request from there on, so that nothing behind may refer to them."""
    traces: Traces | None = field(default=None, compare=False, repr=False)
    """What earlier requests of the same conversation left for this one."""

    @property
    def defined(self) -> bool:
        """It brings tools, and so one of ours may stand among them."""
        return bool(self.definitions) or self.tools_in is not None


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to one part."""

    by: str
    """Name of the transform or compressor, e.g. "logs"."""
    tool: str
    original: str = field(repr=False)
    """Not in the repr: who logs a report does not mean to log a file."""
    short: str = field(repr=False)
    grade: Grade
    before: int
    """Estimated tokens of `original`."""
    after: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A part, or a whole body, that was left alone."""

    reason: Skip
    tokens: int
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What the pipeline did to one request. Token counts are the bundled estimator's."""

    before: int = 0
    after: int = 0
    edits: tuple[Edit, ...] = ()
    """Edits to parts that are new in this request; replayed forms are counted, not listed."""
    skipped: tuple[Skipped, ...] = ()
    failed: Mapping[str, int] = field(default_factory=dict)
    """Failures by "transform: ExceptionName"; the original went out."""
    originals: Mapping[str, str] = field(default_factory=dict, repr=False)
    """CCR key → original of every edit."""
    standing: Mapping[str, str] = field(default_factory=dict, repr=False)
    """CCR key in a marker of a replayed form → the text that the form stands for, as the request carries it."""
    forms: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """Chain key of each part sent for the first time → its short form, None for "as is" (see headroom.sent)."""
    spared: tuple[tuple[str, str], ...] = ()
    """Tool and signature of each new part that is left whole, or of which nothing is left out, because of a learned policy."""

    @property
    def saved(self) -> int:
        return self.before - self.after


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider reports them; None where it did not."""

    input_tokens: int | None = None
    """Uncached input."""
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_long_tokens: int | None = field(default=None, kw_only=True)
    """Of those, what was written for the cache's long lifetime, which costs more."""
    rounds: tuple[Usage, ...] = field(default=(), kw_only=True)
    """Of an answer that was made of several, of which the client knows nothing: of each. The rest are their sums."""
