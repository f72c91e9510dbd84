"""Positions that a provider names in the body it got, told as positions in the one that the client sent.

    sent       0 user   1 assistant + our call   2 our result   3 assistant   4 user
    client's   0 user   1 assistant                                           2 user
    "messages.4.content.0: …"   →   "messages.2.content.0: …"

What is only ours is told as the client's next element, behind the end as its last. Errors within a stream are left as they
are: providers check a request before they begin to answer.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from headroom.conversation import Address, Json
from headroom.dialects.document import Document, Rewrite
from headroom.dialects.shapes import mapping
from headroom.dialects.strict import parsed

INDEX = r"(?:\.?\[(\d{1,6})\]|\.(\d{1,6})(?!\w))"
"""As the APIs write it: `messages.5` (Anthropic), `messages[5]` and `messages.[5]` (OpenAI), `contents[5]` (Gemini)."""

BEGINS = r"(?:(?<![\w.\]])|(?<=\\[nrt]))(?:\$\.|body\.|[A-Za-z]{1,40}Request\.)?"
"""A path of its own, not the middle of one, but for what stands for the body (Gemini: `GenerateContentRequest.contents[5]`). In
JSON a line break is an `n`."""

UNSIGNED = re.compile(r"function call `[^`]{1,200}` ?, position (\d{1,6})(?!\w)")
"""How Gemini names a call without its signature. It counts contents, from one."""

NAMED = frozenset(("type", "role", "status", "name"))
"""Members whose texts tell what kind of element it is, not which."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the elements of one list, as it was sent, come from."""

    own: tuple[int, ...]
    """Place as sent → the client's; in order."""
    within: Mapping[int, Mapping[str, Sequence[int]]]
    """The same of lists in elements that are not as the client's, by place as sent and name."""

    def element(self, at: int) -> int:
        return self.own[min(at, len(self.own) - 1)] if self.own else at

    def item(self, at: int, member: str, item: int) -> int:
        """The place within an element, in one of its lists."""
        items = self.within.get(at, {}).get(_spelt(member), ())
        return items[item] if item < len(items) else item


Positions = Mapping[str, Places]
"""By the member that holds the list."""


def positions(document: Document, edits: Mapping[Address, str], rewrites: Sequence[Rewrite], turns: str = "") -> Positions:
    """Of the body that `document.splice` makes of the same; in `turns` more may stand behind."""
    runs: list[tuple[Rewrite, Sequence[str], Sequence[str]]] = []

    def recording(rewrite: Rewrite) -> Rewrite:
        def make(sources: Sequence[str]) -> Sequence[str]:
            made = rewrite.make(sources)
            runs.append((rewrite, sources, made))
            return made

        return replace(rewrite, make=make)

    document.splice(edits, [recording(rewrite) for rewrite in rewrites])
    runs.sort(key=lambda run: run[0].start)
    members = {rewrite.member for rewrite in rewrites} | ({turns} if turns else set())
    return {name: _places(document.count(name), [run for run in runs if run[0].member == name]) for name in members}


def between(before: bytes, after: bytes, member: str) -> Positions:
    """Of a body made from another in a way that is not known."""
    old, new = Document.parse(before), Document.parse(after)
    sources = [source for _, source in new.sources(member)]
    count = old.count(member)
    return positions(old, {}, [Rewrite(member, 0, count, lambda _: sources)]) if count else {}


def told(text: str, steps: Sequence[Positions]) -> str:
    """An error of the provider's in terms of the client's body. `steps` lead there, the last changes first. Only digits change,
    and only where a position is written as the APIs do."""
    members = {name for step in steps for name in step}
    if not members:
        return text
    text = _path(members).sub(lambda found: _renumbered(found, steps), text)
    return UNSIGNED.sub(lambda found: _recounted(found, steps), text) if "contents" in members else text


def named(text: str, members: Set[str]) -> bool:
    """Whether a text may name places in these."""
    return _path(members).search(text) is not None or ("contents" in members and UNSIGNED.search(text) is not None)


def _path(members: Set[str]) -> re.Pattern[str]:
    """Its groups are a member, its index (two ways to write it), and perhaps a member of the element with an index."""
    return re.compile(BEGINS + f"({'|'.join(map(re.escape, sorted(members)))})" + INDEX + r"(?:\.(\w{1,40})" + INDEX + ")?")


def _renumbered(found: re.Match[str], steps: Sequence[Positions]) -> str:
    """One path."""
    at, item, inner = int(found[2] or found[3]), int(found[5] or found[6] or 0), found[4]
    for step in steps:
        places = step.get(found[1])
        if places is not None:
            item = places.item(at, inner, item) if inner else item
            at = places.element(at)
    new = {2: at, 3: at, 5: item, 6: item}
    return _with(found, {group: str(number) for group, number in new.items() if found[group] is not None})


def _recounted(found: re.Match[str], steps: Sequence[Positions]) -> str:
    at = int(found[1]) - 1
    for step in steps:
        at = step["contents"].element(at) if "contents" in step and at >= 0 else at
    return _with(found, {1: str(at + 1)})


def _with(found: re.Match[str], groups: Mapping[int, str]) -> str:
    """What was found, with other texts for these groups."""
    pieces, at = [], found.start()
    for group, text in groups.items():
        pieces += [found.string[at : found.start(group)], text]
        at = found.end(group)
    return "".join([*pieces, found.string[at : found.end()]])


def _places(count: int, runs: Sequence[tuple[Rewrite, Sequence[str], Sequence[str]]]) -> Places:
    own: list[int] = []
    within: dict[int, Mapping[str, Sequence[int]]] = {}
    at = 0
    for rewrite, before, after in runs:
        own += range(at, rewrite.start)
        for source, place in zip(after, aligned(before, after), strict=True):
            theirs = before[place] if place < len(before) else ""
            if source != theirs:
                within[len(own)] = _items(theirs, source)
            # Behind what the client has is nothing: an element that has no next is told as the one before.
            own.append(min(rewrite.start + place, count - 1))
        at = rewrite.stop
    return Places((*own, *range(at, count)), within)


def aligned(before: Sequence[str], after: Sequence[str]) -> list[int]:
    """For each of the latter JSON texts the place of the former that it was made of, or that comes next. Both are in order; the
    time it takes grows with their length."""
    made: list[int] = []
    start = 0
    for ours, theirs in [*_same(before, after), (len(after), len(before))]:
        made += [start + place for place in _made_of(before[start:theirs], after[len(made) : ours])]
        made += [theirs] if ours < len(after) else []
        start = theirs + 1
    return made


def _same(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Places of the same text in the latter and the former."""
    least = min(len(before), len(after))
    head = next((i for i in range(least) if before[i] != after[i]), least)
    tail = next((i for i in range(least - head) if before[-1 - i] != after[-1 - i]), least - head)
    yield from ((i, i) for i in range(head))
    middle = [{source} for source in before[head : len(before) - tail]], [{source} for source in after[head : len(after) - tail]]
    yield from ((head + ours, head + theirs) for ours, theirs in _pairs(*middle, step=1))
    yield from ((len(after) - i, len(before) - i) for i in range(tail, 0, -1))


def _made_of(before: Sequence[str], after: Sequence[str]) -> list[int]:
    """As `aligned`, where no text is the same: told by texts within them that only one element has."""
    if len(before) == len(after):
        return [*range(len(before))]
    texts = [set(_texts(parsed(source))) for source in before]
    times = Counter(text for found in texts for text in found)
    telling = [{text for text in found if times[text] == 1} for found in texts]
    known = dict(_pairs(telling, [set(_texts(parsed(source))) for source in after], step=0)) if before else {}
    last = max(known, default=-1)
    made: list[int] = []
    place = len(before)
    for ours in reversed(range(len(after))):
        if ours in known:
            place = known[ours]
        elif ours > last:
            place = max(known.get(last, 0), place - 1)
        made.append(place)
    return made[::-1]


def _pairs(before: Sequence[Set[str]], after: Sequence[Set[str]], step: int) -> Iterator[tuple[int, int]]:
    """Places in the latter and the former that share a text; each at least `step` behind the one before."""
    places: dict[str, list[int]] = {}
    for i, texts in enumerate(before):
        for text in texts:
            places.setdefault(text, []).append(i)
    least = 0
    for ours, texts in enumerate(after):
        rows = [(row, bisect_left(row, least)) for text in texts if (row := places.get(text))]
        theirs = min((row[at] for row, at in rows if at < len(row)), default=None)
        if theirs is not None:
            yield ours, theirs
            least = theirs + step


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in NAMED:
                yield from _texts(each)


def _items(theirs: str, ours: str) -> Mapping[str, Sequence[int]]:
    """Places in the lists of an element of ours → in the client's, by name."""
    lists = {_spelt(name): value for name, value in mapping(parsed(theirs)).items()}
    found: dict[str, Sequence[int]] = {}
    for name, value in mapping(parsed(ours)).items():
        if isinstance(value, list):
            before = _each(lists.get(_spelt(name), []))
            found[_spelt(name)] = [min(place, max(0, len(before) - 1)) for place in aligned(before, _each(value))]
    return found


def _each(value: Json) -> list[str]:
    """JSON of what stands in a list, or in its place."""
    return [json.dumps(each) for each in (value if isinstance(value, list) else [value])]


def _spelt(name: str) -> str:
    """Gemini takes names in either spelling, and answers in one."""
    return name.replace("_", "").lower()
