"""A JSON body as spans over its own bytes, so that one string can be replaced and all else leaves as it came.

Chat clients send the whole conversation each turn, its head byte for byte the same. A memo therefore knows which value
followed a known run of them last time, and comparing bytes proves it: what was read once is neither decoded nor parsed
again, and what a dialect made of it is at hand. Results are the same with and without a memo.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from headroom.conversation import Address, Json
from headroom.dialects.cuts import Cut, leave, same
from headroom.dialects.document_memo import OVERHEAD, DocumentMemo, Run
from headroom.dialects.literals import Literal, literal, locate
from headroom.dialects.scan import ITEMS, SAMPLE, Scan, Unreadable
from headroom.dialects.spans import Array, Value
from headroom.dialects.strict import value_at
from headroom.traces import Traces

__all__ = ["ITEMS", "Document", "Reader", "Rewrite", "Unreadable"]

F = TypeVar("F")

_LITERALS, _WRITTEN, _SOURCE = " literals", " written", " source"
"""Names under which facts of our own are remembered; no reader has a blank in its name."""


class Reader(Protocol[F]):
    """What a dialect makes of one value, given what it absorbed of all those before it, and of nothing else."""

    @property
    def name(self) -> str:
        """Under which facts are remembered: one name, one meaning."""
        ...

    def read(self, at: Address, value: Json) -> F:
        """The fact of a value never seen before; not None."""
        ...

    def absorb(self, fact: F) -> None:
        """Called with every fact in order, new or remembered."""
        ...


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Elements of a top-level array, to be replaced by others."""

    member: str
    start: int
    stop: int
    """Exclusive. Both the number of elements: put in behind the last."""
    make: Callable[[Sequence[str]], Sequence[str]]
    """JSON of the elements, their texts edited → JSON of what stands there instead."""


class Document:
    """A JSON object. Used by one thread at a time."""

    __slots__ = ("_arrays", "_members", "_memo", "_raw")

    def __init__(self, raw: bytes, memo: DocumentMemo | None) -> None:
        self._raw, self._memo = raw, memo
        self._members: dict[str, Value] = {}
        self._arrays: dict[str, Array] = {}

    @classmethod
    def parse(cls, raw: bytes, memo: DocumentMemo | None = None) -> Document:
        """Raises Unreadable, and nothing else."""
        document = cls(raw, memo)
        try:
            Scan(raw, memo).read(document._members, document._arrays)
        except Unreadable:
            if memo is None:
                raise
            # Which of several faults is found first may depend on what is known; without a memo it does not.
            return cls.parse(raw)
        return document

    def get(self, name: str) -> Json:
        """A top-level member, parsed; None if it is absent."""
        if name in self._arrays:
            return list(self.elements(name))
        return self._parsed(self._members[name]) if name in self._members else None

    def elements(self, name: str) -> tuple[Json, ...]:
        """The elements of a top-level array; () if the member is absent or no array."""
        return tuple(self._parsed(value) for _, value in self._units(name)) if name in self._arrays else ()

    def count(self, name: str) -> int:
        """How many elements a top-level array has."""
        return len(self._arrays.get(name, ()))

    def sources(self, name: str) -> tuple[tuple[Address, str], ...]:
        """Address and JSON of each element of a top-level array, or of the member as a whole where it is no array."""
        return tuple(self._made(name, _SOURCE, self.remembered(name, _SOURCE), lambda at, value: (at, self._source(value)), 1))

    def facts(self, name: str, reader: Reader[F], weight: int = 2, absorbed: int = 0) -> list[F]:
        """What `reader` makes of each element of a top-level array, or of the member as a whole where it is no array.
        `weight`: bytes to remember for each byte of the member, as most facts hold its texts; for arrays enough is set aside.
        `absorbed`: how many of the facts that are `remembered` the reader need not be told of."""

        def read(at: Address, value: Value) -> F:
            fact = reader.read(at, self._parsed(value))
            reader.absorb(fact)
            return fact

        known: list[F] = self.remembered(name, reader.name)
        for fact in known[absorbed:]:
            reader.absorb(fact)
        return self._made(name, reader.name, known, read, weight)

    def remembered(self, name: str, fact: str) -> list[Any]:
        """The facts of that name that earlier bodies left, from the first element on."""
        if name in self._arrays:
            return self._arrays[name].run.columns.get(fact, [])
        found = self._known(self._members[name], fact) if name in self._members else None
        return [] if found is None else [found]

    def traces(self, name: str) -> Traces | None:
        """What was left with the elements of a top-level array; None where nothing is remembered."""
        return self._arrays[name].run.traces if name in self._arrays and self._memo is not None else None

    def charge(self, name: str, texts: Iterable[str]) -> None:
        """These stand elsewhere, and are left with the elements of an array."""
        if self._memo is None or name not in self._arrays:
            return
        run, size = self._arrays[name].run, sum(map(sys.getsizeof, texts))
        if size != run.traces.foreign:
            run.traces.foreign = size
            self._memo.charge((name, self._raw[run.at : run.at + SAMPLE]), run)

    def _made(self, name: str, fact: str, known: Sequence[F], make: Callable[[Address, Value], F], weight: int) -> list[F]:
        """Facts that are `known`, and those of the elements behind."""
        found = list(known)
        if name in self._members and not found:
            value = self._members[name]
            found.append(make((name,), value))
            self._keep(value, fact, found[0], weight * (value.end - value.start))
        elif name in self._arrays and len(found) < len(self._arrays[name]):
            array = self._arrays[name]
            found += [make((name, i), array[i]) for i in range(len(found), len(array))]
            array.run.columns[fact] = found[: len(array.run.links)]
        return found

    def splice(self, edits: Mapping[Address, str], rewrites: Sequence[Rewrite] = ()) -> bytes:
        """The body with the strings at these addresses replaced, an element that is an object by the JSON that the text is;
        then elements as the rewrites say, which must not overlap. ValueError if something else stands there."""
        cuts = sorted(self._cuts(edits))
        for rewrite in rewrites:
            self._rewrite(cuts, rewrite)
        return _spliced(self._raw, 0, len(self._raw), cuts) if cuts else self._raw

    def _rewrite(self, cuts: list[Cut], rewrite: Rewrite) -> None:
        """Put one cut for a run of elements in the place of those within them."""
        array, start, stop = self._arrays.get(rewrite.member, Array(Run())), rewrite.start, rewrite.stop
        if not (0 <= start < stop <= len(array) or (array and start == stop == len(array))):
            raise ValueError(f"no elements {start} to {stop} in {rewrite.member!r}")
        sources: list[str] = []
        first = last = bisect_left(cuts, (array[start].start if start < stop else array[-1].end,))
        for value in map(array.__getitem__, range(start, stop)):
            here, last = last, bisect_left(cuts, (value.end,))
            sources.append(_spliced(self._raw, value.start, value.end, cuts[here:last]).decode())
        new = _run(array, start, stop, b",".join(source.encode() for source in rewrite.make(sources)))
        before, within, behind = cuts[first - 1 : first], cuts[max(first, last - 1) : last], cuts[last : last + 1]
        if any(cut[1] > new[0] for cut in before) or any(cut[1] > new[1] for cut in within) or any(cut[0] < new[1] for cut in behind):
            raise ValueError("two rewrites of one element, or two beside each other that leave nothing")
        cuts[first:last] = [new]

    def _cuts(self, edits: Mapping[Address, str]) -> Iterator[Cut]:
        members: dict[str | int, tuple[list[Address], list[str]]] = {}
        for address, text in edits.items():
            addresses, texts = members.setdefault(address[0] if address else "", ([], []))
            addresses.append(address)
            texts.append(text)
        for name, (addresses, texts) in members.items():
            run = self._arrays[name].run if isinstance(name, str) and name in self._arrays and self._memo is not None else None
            made = same(run, addresses, texts) if run is not None else []
            new = dict(zip(addresses[len(made) :], texts[len(made) :], strict=True))
            if new:
                found = self._new_cuts(new)
                made += [found.get(address) for address in new]
                if run is not None:
                    leave(run, addresses, texts, made)
            yield from filter(None, made)

    def _new_cuts(self, edits: Mapping[Address, str]) -> Mapping[Address, Cut]:
        """Without those that leave a text in the spelling it came in."""
        found: dict[Address, Cut] = {}
        grouped: dict[Address, dict[Address, str]] = {}
        for address, text in edits.items():
            cut = 2 if address and address[0] in self._arrays else 1
            grouped.setdefault(address[:cut], {})[address[cut:]] = text
        for at, texts in grouped.items():
            value = self._at(at)
            if () in texts and self._raw.startswith(b"{", value.start):
                found[at] = value.start, value.end, texts[()].encode()
                continue
            written = self._written(value, texts)
            for address, literal_ in self._literals(value, texts).items():
                start, end = value.start + literal_.start, value.start + literal_.end
                # A text of the same length may be the same text: then its spelling stays as it came.
                text = texts[address]
                if literal_.chars != len(text) or json.loads(self._raw[start:end]) != text:
                    found[at + address] = start, end, written[address][1]
        return found

    def _at(self, at: Address) -> Value:
        match at:
            case (str(name), int(i)) if 0 <= i < len(self._arrays.get(name, ())):
                return self._arrays[name][i]
            case (str(name),) if name in self._members:
                return self._members[name]
        raise ValueError(f"nothing at {at}")

    def _literals(self, value: Value, texts: Mapping[Address, str]) -> Mapping[Address, Literal]:
        known: Mapping[Address, Literal] = self._known(value, _LITERALS) or {}
        if not texts.keys() <= known.keys():
            known = locate(self._source(value), texts.keys() | known.keys())
            self._keep(value, _LITERALS, known, len(known) * OVERHEAD)
        return {address: known[address] for address in texts}

    def _written(self, value: Value, texts: Mapping[Address, str]) -> Mapping[Address, tuple[str, bytes]]:
        """Texts as JSON. The same ones replace the same ones each turn, and escaping costs 4 ms a MB."""
        known: Mapping[Address, tuple[str, bytes]] = self._known(value, _WRITTEN) or {}
        if any(address not in known or known[address][0] != text for address, text in texts.items()):
            known = {address: (text, literal(text)) for address, text in texts.items()}
            self._keep(value, _WRITTEN, known, sum(2 * len(text) + OVERHEAD for text in texts.values()))
        return known

    def _units(self, name: str) -> Iterator[tuple[Address, Value]]:
        if name in self._arrays:
            for i in range(len(self._arrays[name])):
                yield (name, i), self._arrays[name][i]
        elif name in self._members:
            yield (name,), self._members[name]

    def _source(self, value: Value) -> str:
        return self._raw[value.start : value.end].decode()

    def _parsed(self, value: Value) -> Json:
        if value.parsed is None:
            value.parsed = [value_at(self._source(value), 0)[0]]
        return value.parsed[0]

    def _known(self, value: Value, name: str) -> Any:
        return self._memo.recall(value.link, name) if self._memo is not None and value.link is not None else None

    def _keep(self, value: Value, name: str, fact: object, size: int) -> None:
        if self._memo is not None and value.link is not None:
            self._memo.remember(value.link, name, fact, size)


def _spliced(raw: bytes, start: int, end: int, cuts: Sequence[Cut]) -> bytes:
    view = memoryview(raw)  # slices of bytes would be copied once more
    pieces: list[bytes | memoryview] = []
    for begin, until, text in cuts:
        pieces += (view[start:begin], text)
        start = until
    return b"".join((*pieces, view[start:end]))


def _run(array: Array, start: int, stop: int, new: bytes) -> Cut:
    """The cut that puts `new` (elements with commas between them) in the place of a run, with the comma that it needs or takes along."""
    if start == stop:
        return array[-1].end, array[-1].end, b"," + new if new else b""
    if new:
        return array[start].start, array[stop - 1].end, new
    if start:
        return array[start - 1].end, array[stop - 1].end, b""
    return array[0].start, array[stop].start if stop < len(array) else array[-1].end, b""
