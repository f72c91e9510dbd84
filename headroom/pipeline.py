"""Fold the transforms over a conversation: the one place that decides what leaves, and fails open.

What was sent once is replayed from the journal; what is new is shortened; what was sent before we ever saw
the conversation is left alone. Every part that is not shortened carries the reason.
"""

from __future__ import annotations

import copy
import fnmatch
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headroom import ccr
from headroom.chain import Chain, chain
from headroom.compressors import COMPRESSORS
from headroom.conversation import Address, Conversation, Edit, Grade, Part, Report, Skip, Skipped
from headroom.memo import Memo
from headroom.patterns import Policies, Policy
from headroom.replaying import Replay, weighed
from headroom.signature import signature
from headroom.tokens import estimate
from headroom.transforms.base import Sent, Short, Transform
from headroom.transforms.definitions import compacted
from headroom.transforms.outline import Outline
from headroom.transforms.reading import is_retrieved
from headroom.transforms.references import References
from headroom.transforms.shorten import SHORT, Shorten
from headroom.transforms.tidy import Tidy

MEMO_BYTES = 16 << 20
"""For each of the two memories; a text counts with four bytes a character at worst, one as a rule."""

ENTRY_BYTES = 200
"""What a memo entry costs beside its texts: two dict slots, a tuple and a digest, as sys.getsizeof sees them."""

COMPACT, OFFERED = "compact", "tool"
"""What the journal says of a conversation's tool definitions: that they are sent compacted, and with our tool behind them."""

GRADES: tuple[Grade, ...] = ("exact", "equal", "lossy")


@dataclass(frozen=True, slots=True)
class Weight:
    """What is known of a text by content alone."""

    digest: bytes
    """SHA-256 of its UTF-8, lone surrogates passed through."""
    tokens: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be done to a body, and what to say about it."""

    edits: Mapping[Address, str]
    report: Report


class Scale:
    """Weighs each text once."""

    def __init__(self, count: Callable[[str], int]) -> None:
        self._count = count
        self._weights: Memo[str, Weight] = Memo(MEMO_BYTES)

    def weigh(self, text: str) -> Weight:
        weight = self._weights.get(text)
        if weight is None:
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
            weight = Weight(digest, self._count(text))
            self._weights.put(text, weight, len(text) + ENTRY_BYTES)
        return weight

    def tokens(self, text: str) -> int:
        return self.weigh(text).tokens


class Pipeline:
    """Transforms, applied to each tool output in turn. Safe to use from several threads.

    `protect`: globs of the tools whose results are never shortened with loss. `compact_tools`: take off from tool
    definitions what says nothing.
    """

    def __init__(
        self, transforms: Sequence[Transform], scale: Scale, protect: Sequence[str] = (), *, compact_tools: bool = False
    ) -> None:
        self._transforms = tuple(transforms)
        self.compact_tools = compact_tools
        self._definitions: Memo[str, tuple[str | None]] = Memo(MEMO_BYTES)
        self._protected = re.compile("|".join(fnmatch.translate(glob.lower()) for glob in protect) or "(?!)")
        self._policies = Policies()
        self.weigh, self.tokens = scale.weigh, scale.tokens
        self._answers: Memo[tuple[str, bytes, str, str, bool, bool, bytes], Short | Skip] = Memo(MEMO_BYTES)

    def under(self, policies: Policies) -> Pipeline:
        """The same, for a conversation that goes by these policies; what is remembered is shared."""
        twin = copy.copy(self)
        twin._policies = policies
        return twin

    def size(self, conversation: Conversation) -> int:
        """Estimated tokens of everything the model reads."""
        return sum(self.weigh(text).tokens for text in (*(p.text for p in conversation.parts), *conversation.others))

    def chain(self, conversation: Conversation) -> Chain:
        """The names under which the journal knows what was sent."""
        return chain(conversation, lambda text: self.weigh(text).digest)

    def ways(self, chain: Chain, sent: Mapping[str, str | None], *, new: bool, offer: bool) -> frozenset[str]:
        """How tool definitions are sent, all as they were in the conversation's first request: the provider reads them before
        anything else. `new`: this is the first; `offer`: then our tool may stand behind them."""
        if chain.opening in sent:
            return frozenset((sent[chain.opening] or "").split())
        wanted = {COMPACT: self.compact_tools, OFFERED: offer}
        return frozenset(way for way, is_wanted in wanted.items() if new and is_wanted)

    def __call__(
        self, conversation: Conversation, keys: Chain, sent: Mapping[str, str | None], history: int,
        *, lossy: bool = False, ways: frozenset[str] | None = None,
    ) -> Outcome:
        """`keys` as `chain` gives them; `sent` the journal's answer to them.

        Parts before index `history` that have no record were sent by somebody else and are left alone.
        `lossy`: the model can get originals back in this request. `ways`: as `ways` gives them, which is the default.
        """
        fold = _Fold(self, conversation, lossy)
        if conversation.defined:
            found = self.ways(keys, sent, new=history == 0, offer=False) if ways is None else ways
            fold.define(found, None if keys.opening in sent else keys.opening)
        for i in range(fold.account.catch_up(keys, sent), len(conversation.parts)):
            part, key = conversation.parts[i], keys.parts.get(i, "")
            fold.account.forget(conversation.gone.get(i, ()))
            if part.role != "tool" or key in sent:
                fold.account.replay(part, sent.get(key))
            elif i < history:
                fold.forms[key] = None
                fold.account.skip(part, "foreign")
            else:
                fold.forms[key] = fold.shorten(part)
        return fold.outcome()

    def compacted(self, definition: str) -> str | None:
        """The JSON of a tool definition without what says nothing; None if it stays as it is."""
        known = self._definitions.get(definition)
        if known is None:
            short = compacted(definition)
            shorter = short is not None and self.weigh(short).tokens < self.weigh(definition).tokens
            known = (short if shorter else None,)
            self._definitions.put(definition, known, 2 * len(definition) + ENTRY_BYTES)
        return known[0]

    def policy(self, part: Part) -> tuple[Policy, str]:
        """What is known of outputs like this one, and the signature of their kind; where nothing would be left out of it
        anyway, there is nothing to know."""
        if not self._policies.table or len(part.text) < SHORT or part.error or self._protects(part) or is_retrieved(part):
            return "as_is", ""
        kind = signature(part.tool, part.text)
        return self._policies.of(kind), kind

    def _protects(self, part: Part) -> bool:
        return self._protected.match(part.tool.lower()) is not None

    def shorten(self, part: Part, past: Sequence[Sent], lossy: bool, failed: Counter[str]) -> Short | Skip:
        """All transforms in turn on one part."""
        if not _is_unicode(part.text):
            return "surrogates"
        if is_retrieved(part):
            return "marked"
        protected = lossy and self._protects(part)
        answer = self._chain(part, past, lossy and not protected, failed)
        return "protected" if protected and answer == "no_way_back" else answer

    def _chain(self, part: Part, past: Sequence[Sent], lossy: bool, failed: Counter[str]) -> Short | Skip:
        now = part
        done: list[Short] = []
        reason: Skip = "no_kind"
        for transform in self._transforms:
            try:
                answer = self._ask(transform, now, past, lossy)
            except Exception as error:
                # Law 5: a request never fails because we could not shorten it. The original goes out and the
                # failure is counted by name; the text of an exception may hold content, so it is not kept.
                failed[f"{transform.name}: {type(error).__name__}"] += 1
                return "failed"
            if isinstance(answer, Short):
                now = replace(now, text=answer.text)
                done.append(answer)
            else:
                reason = answer
        if not done:
            return reason
        short = _joined(done, part)
        return short if self.weigh(short.text).tokens < self.weigh(part.text).tokens else "no_gain"

    def _ask(self, transform: Transform, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        """One transform's answer, remembered by all it depends on."""
        context = transform.context(part, past, lossy)
        if context is None:
            return _checked(transform(part, past, lossy), lossy)
        key = (
            transform.name, self.weigh(part.text).digest, part.tool, repr(part.call), part.error, lossy,
            hashlib.sha256(context.encode("utf-8", "surrogatepass")).digest() if context else b"",
        )
        known = self._answers.get(key)
        if known is None:
            known = _checked(transform(part, past, lossy), lossy)
            self._answers.put(key, known, ENTRY_BYTES + (len(known.text) if isinstance(known, Short) else 0))
        return known


class _Fold:
    """One pass over one conversation."""

    def __init__(self, pipeline: Pipeline, conversation: Conversation, lossy: bool) -> None:
        self._pipeline = pipeline
        self._conversation = conversation
        self._lossy = lossy
        self._edits: list[Edit] = []
        self._failed: Counter[str] = Counter()
        self._originals: dict[str, str] = {}
        self._spared: list[tuple[str, str]] = []
        self._others = weighed(conversation, pipeline.tokens)
        """Tokens of what is no part."""
        self._defined: dict[Address, tuple[str, int]] = {}
        """Tool definitions that are sent compacted, and what they had before, in tokens."""
        self._lighter = 0
        self.account = Replay(conversation, pipeline.tokens)
        self.forms: dict[str, str | None] = {}

    def define(self, ways: frozenset[str], new: str | None) -> None:
        """`new`: the key under which nothing is on record yet."""
        if new is not None:
            self.forms[new] = " ".join(sorted(ways)) or None
        if COMPACT not in ways:
            return
        for at, source in self._conversation.definitions:
            short = self._pipeline.compacted(source)
            if short is None:
                continue
            before, after = self._pipeline.weigh(source).tokens, self._pipeline.weigh(short).tokens
            self._defined[at] = short, before
            self._lighter += before - after
            if new is not None:
                self._edits.append(Edit("compact-tools", "", source, short, "equal", before, after))
                self._originals[ccr.key_of(source)] = source

    def shorten(self, part: Part) -> str | None:
        policy, kind = self._pipeline.policy(part)
        lossy = self._lossy and policy == "as_is"
        result = "toin" if policy == "whole" else self._pipeline.shorten(part, self.account.past, lossy, self._failed)
        if policy == "whole" or lossy != self._lossy:
            self._spared.append((part.tool, kind))
            result = "toin" if result == "no_way_back" else result
        if not isinstance(result, Short):
            self.account.skip(part, result)
            return None
        before, after = self.account.change(part, result.text)
        self._edits.append(Edit(result.by, part.tool, part.text, result.text, result.grade, before, after))
        self._originals[ccr.key_of(part.text)] = part.text
        return result.text

    def outcome(self) -> Outcome:
        conversation, account = self._conversation, self.account
        before = account.before + self._others
        rows: dict[Skip, list[int]] = {}
        if conversation.others:
            left = len(conversation.others) - len(self._defined)
            rows["not_tool_output"] = [self._others - sum(tokens for _, tokens in self._defined.values()), left]
        if conversation.opaque:
            rows["opaque"] = [0, conversation.opaque]
        for reason, (tokens, parts) in account.skipped.items():
            row = rows.setdefault(reason, [0, 0])
            row[0] += tokens
            row[1] += parts
        return Outcome(
            {**{at: short for at, (short, _) in self._defined.items()}, **account.changes},
            Report(
                before=before, after=before - account.saved - self._lighter, edits=tuple(self._edits),
                skipped=tuple(Skipped(reason, tokens, parts) for reason, (tokens, parts) in rows.items()),
                failed=dict(self._failed), originals=self._originals, standing=account.standing, forms=self.forms, spared=tuple(self._spared),
            ),
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _checked(answer: Short | Skip, lossy: bool) -> Short | Skip:
    """The post-conditions of law 5 that a text can break; structure cannot change, only string literals do."""
    if isinstance(answer, Short):
        if not answer.text.strip():
            raise ValueError("an empty text")
        if not _is_unicode(answer.text):
            raise ValueError("not Unicode")
        if answer.grade == "lossy" and not (lossy and answer.omitted):
            raise ValueError("a lossy text where none may be, or that does not say what it leaves out")
    return answer


def _joined(done: Sequence[Short], part: Part) -> Short:
    """What the transforms made together: of the weakest grade among theirs, with the marker that a lossy one owes."""
    text = done[-1].text
    grade = max((short.grade for short in done), key=GRADES.index)
    by = "+".join(short.by for short in done)
    if grade != "lossy":
        return Short(text, by, grade)
    lossy = [short for short in done if short.grade == "lossy"]
    omitted = "; ".join(short.omitted for short in lossy)
    lines = lossy[0].lines if len(lossy) == 1 else ""
    return Short(f"{ccr.marker(ccr.key_of(part.text), omitted, lines)}\n{text}", by, grade, omitted, lines)


def standard(
    *, protect: Sequence[str] = (), ratio: float | None = None, compact_tools: bool = False, outline: Outline | None = None
) -> Pipeline:
    """The transforms that every request goes through.

    `protect`: globs of tools whose results lose nothing; `ratio`: share of its tokens that prose keeps; `outline`: of source
    files, where the operator asked for it.
    """
    scale = Scale(estimate)
    outlines: list[Transform] = [outline] if outline is not None else []
    transforms: list[Transform] = [Tidy(), References(scale.tokens), *outlines, Shorten(COMPRESSORS, scale.tokens, ratio)]
    return Pipeline(transforms, scale, protect, compact_tools=compact_tools)
