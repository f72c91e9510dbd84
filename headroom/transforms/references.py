"""Name what a tool output repeats of earlier ones in the conversation, instead of sending it again.

Only lines that the model still sees are referred to: those that left word for word, not those that stand behind a
marker, in a form or in a reference. The earlier result is named by its tool and the beginning of its call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile

from headroom import ccr
from headroom.compressors.base import FORM, TooCostly
from headroom.compressors.lines import changes, repeats
from headroom.compressors.lines.numbering import Lines
from headroom.compressors.lines.repeats import MIN_CHARACTERS, Earlier
from headroom.compressors.reads import NumberedReads
from headroom.conversation import Part, Skip
from headroom.memo import Memo
from headroom.transforms.base import Sent, Short
from headroom.transforms.reading import texts_of
from headroom.transforms.tidy import Tidy

SHORT = 500
"""Characters; below it too little can be saved to make a reader look back."""

CHANGED = 0.4
"""Share of its tokens that a diff may have, in place of the form that the text would get for itself: what gets one has
repeats within it, and most forms leave half or more."""

GAIN, SHARE = 30, 0.10
"""Tokens, and share of the text, that references must save: looking back costs the reader attention."""

MAX_SEEN = 1 << 20
"""Characters of an earlier text that is looked at; clients cut results at a thirtieth of it."""

NAME, WORD = 60, 200
"""Characters of a call that its result is known by; of one that is a single word, a path or an address, which is never cut."""

MEMO_BYTES = 12 << 20
"""Lines cost five times their text, so this holds some 2 MB of results: those of a few running conversations."""

LINE_BYTES = 150
"""What a line costs beside its text: a str, a place in a list and one in a dict, as sys.getsizeof sees them."""

Writer = Callable[[Mapping[int, str]], str | None]
"""Writes a form, given what the results at each place in the past are called."""

_HIDDEN = Earlier("", Lines([], None, [], [], {}))
"""A text whose lines are not seen as they were."""


class References:
    """The transform. `tokens` is the estimate that every machine shares."""

    name = "references"

    def __init__(self, tokens: Callable[[str], int]) -> None:
        self._tokens = tokens
        self._reads = NumberedReads()
        self._tidy = Tidy()
        self._seen: Memo[tuple[str, bool], Earlier] = Memo(MEMO_BYTES)

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> None:
        return None

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        if part.error:
            return "error"
        if len(part.text) < SHORT:
            return "short"
        if ccr.MARKER.search(part.text) or is_reference(part.text):
            return "marked"
        try:
            return self._shortest(part, past)
        except TooCostly:
            return "too_costly"

    def _shortest(self, part: Part, past: Sequence[Sent]) -> Short | Skip:
        whole = self._whole(part, past)
        writers = [whole] if whole else [w for w in (self._partly(part.text, past), self._changed(part, past)) if w]
        if not writers:
            return "no_kind"
        named = names(past)
        before = self._tokens(part.text)
        forms = [(self._tokens(form), form) for writer in writers if (form := writer(named)) is not None]
        after, short = min(forms, default=(before, ""))
        if before - after < max(GAIN, SHARE * before) or self._expanded(short, past, named) != part.text:
            return "no_gain"
        return Short(short, self.name, "exact")

    def expand(self, short: str, past: Sequence[Sent]) -> str | None:
        """The text behind a form, given what stood before it."""
        return self._expanded(short, past, names(past))

    def _expanded(self, short: str, past: Sequence[Sent], named: Mapping[int, str]) -> str | None:
        places = {name: at for at, name in named.items()}

        def find(name: str) -> Earlier | None:
            at = places.get(name)
            return None if at is None else self._earlier(past[at])

        def text(name: str) -> str | None:
            earlier = find(name)
            return earlier.text if earlier else None

        return changes.expand(short, text) if changes.HEADER.match(short) else repeats.expand(short, find)

    def _whole(self, part: Part, past: Sequence[Sent]) -> Writer | None:
        """The latest text that is the part's own, in whatever form it was sent, as long as nothing was left out."""
        for at in range(len(past) - 1, -1, -1):
            before = past[at].part
            if before.role != "tool" or len(before.text) < len(part.text):
                continue
            if before.text == part.text or (before.tool == part.tool and before.call == part.call):
                earlier = self._earlier(past[at])
                if earlier and earlier.text == part.text:
                    return lambda named: repeats.whole(named[at], part.text)
        return None

    def _partly(self, text: str, past: Sequence[Sent]) -> Writer | None:
        known: dict[str, Lines] = {}
        places: dict[int, int] = {}
        for at, sent in enumerate(past):
            lines = self._word_for_word(sent).lines
            if lines.first:
                known.update(dict.fromkeys(lines.first, lines))
                places[id(lines)] = at
        if not known:
            return None
        new = self._read(text, as_came=True)
        found = repeats.repeats(new.lines, known)
        if not found or new.text != text:
            return None
        return lambda named: repeats.written(text, new.lines, found, lambda lines: named[places[id(lines)]])

    def _changed(self, part: Part, past: Sequence[Sent]) -> Writer | None:
        """A diff against the last result of the same call, where that was sent in a form of its own: in such a form
        lines have no place, but all of them are there."""
        for at in range(len(past) - 1, -1, -1):
            before = past[at].part
            if before.role == "tool" and before.tool == part.tool and before.call == part.call:
                earlier = self._earlier(past[at])
                if earlier and earlier.text and earlier.lines is _HIDDEN.lines:
                    old = earlier.text
                    return lambda named: self._mostly(changes.changed(part.text, old, named[at]), part.text)
        return None

    def _mostly(self, form: str, text: str) -> str | None:
        """The form, if it is so short that no form of the text itself would be shorter."""
        return form if self._tokens(form) <= CHANGED * self._tokens(text) else None

    def _earlier(self, sent: Sent) -> Earlier | None:
        """An earlier text that left with nothing left out, in whatever form; None if that is not certain."""
        earlier = self._word_for_word(sent)
        if earlier is not _HIDDEN:
            return earlier
        if not _may_be_seen(sent) or ccr.MARKER.search(sent.text) or is_reference(sent.text, anywhere=True):
            return None
        tidied = self._tidy(sent.part, (), False)
        return Earlier(tidied.text if isinstance(tidied, Short) else sent.part.text, _HIDDEN.lines)

    def _word_for_word(self, sent: Sent) -> Earlier:
        """What stands in an earlier text as the model sees it."""
        return self._read(sent.text, as_came=sent.text == sent.part.text) if _may_be_seen(sent) else _HIDDEN

    def _read(self, text: str, *, as_came: bool) -> Earlier:
        """The lines of a text that left; none of a form that is not made of them."""
        earlier = self._seen.get((text, as_came))
        if earlier is None:
            earlier = self._parse(text, as_came)
            size = len(text) + len(earlier.text) + LINE_BYTES * len(earlier.lines.contents)
            self._seen.put((text, as_came), earlier, size)
        return earlier

    def _parse(self, text: str, as_came: bool) -> Earlier:
        if ccr.MARKER.search(text):
            return _HIDDEN
        whole = self._reads.expand(text) or text
        if repeats.HEADER.match(whole):
            return Earlier("", repeats.shown(whole))
        if whole == text and not as_came and FORM.match(text):
            return _HIDDEN
        return Earlier(whole, repeats.shown(whole))


def _may_be_seen(sent: Sent) -> bool:
    return sent.part.role == "tool" and sent.text != "" and MIN_CHARACTERS <= len(sent.part.text) <= MAX_SEEN


def is_reference(text: str, *, anywhere: bool = False) -> bool:
    """Whether a text, or a form that was made of it, says what it says by way of others."""
    return any(header.search(text) if anywhere else header.match(text) for header in (repeats.HEADER, changes.HEADER))


def names(past: Sequence[Sent]) -> Mapping[int, str]:
    """What each earlier result is called: by its call, and among results of like calls by which of them it is."""
    labels = {at: label(sent.part) for at, sent in enumerate(past) if sent.part.role == "tool" and (sent.text or not sent.part.text)}
    counts = Counter(labels.values())
    met: Counter[str] = Counter()
    named: dict[int, str] = {}
    for at, text in labels.items():
        met[text] += 1
        named[at] = text + _which(met[text], counts[text])
    return named


def _which(number: int, count: int) -> str:
    if number == count:
        return " (previous)" if count > 1 else ""
    ending = "th" if number % 100 // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f" ({number}{ending} of {count})"


def label(part: Part) -> str:
    """The tool and the first text of its call, its first line, up to a blank."""
    tool = part.tool or "tool"
    text = next((text for text in texts_of(part) if text.strip()), "").strip()
    line = "".join(takewhile(str.isprintable, text[: WORD + 1])).rstrip()
    if line == text and (len(line) <= NAME or " " not in line[:WORD]):
        return f"{tool} {line}".rstrip()
    cut = line if len(line) <= NAME else line[: max(line.rfind(" ", 0, NAME), 0)]
    return f"{tool} {cut}".rstrip() + " …"
