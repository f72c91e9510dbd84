r"""Stack traces: messages and one's own frames stand whole, runs of frames of libraries are counted.

    Traceback (most recent call last):            Traceback (most recent call last):
      File "/srv/app/shop.py", line 7, in buy       File "/srv/app/shop.py", line 7, in buy
        session.post(url)                             session.post(url)
      File "…/site-packages/requests/a.py" …        File "…/site-packages/requests/a.py" …
      …                                             … 6-71 (22 library frames)
      File "…/site-packages/urllib3/z.py" …         File "…/site-packages/urllib3/z.py" …
    ReadTimeout: no answer                        ReadTimeout: no answer

The first and the last frame stay, and each frame of a library that calls one's own code or is called by it. Of frames
that recur in a trace (recursion) the first two stay; of a trace that stood there before, its ends; of goroutines with
one stack, the first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headroom.compressors.base import Compressed, Goal
from headroom.compressors.lines.folds import Routine, fold
from headroom.compressors.lines.salience import SEVERE
from headroom.compressors.lines.sample import sample

MIN_FRAMES = 15
"""A shorter trace is read at a glance, and each of its frames may be the one that counts."""

ENDS = 3
"""Frames at each end of a trace that is nothing but libraries: there is no telling which of them matter."""

RECURRENCES = 2
"""Times that a frame is shown in one trace."""

MAX_LINE = 1000
"""Characters of a line of a frame."""

HALF, LOOKED_AT, MIN_SEEN, SHARE = 1500, 16, 4, 0.3
"""Characters of each half of a sample, lines of it that are looked at, how many must be of frames, and their share: a
frame of Python has up to three lines."""

_NUMBERED = r"#\d+ +(?:0x|/|\[internal function\]|\{main\}|<signal |[A-Za-z_~<*][\w:~<>,.*&$@-]*(?: closure>)? *\()"
"""gdb, PHP and Dart; the output of docker build has numbers too, before words ("#12 0.5 npm error …")."""

_LOOK = re.compile(rf"""\s+at \S|[ |+]*File "|\s+from \S+:\d+:|{_NUMBERED}|\t/?\S+\.go:\d+""")
"""What most lines of a trace look like."""

_FRAME = re.compile(
    r"""(?P<python>(?P<indent>[ |+]*)File "[^"]*", line \d+)"""
    r"|(?P<at>\s+at \S.*(?:[)\]{}]|:(?:line )?\d+)\s*\Z)"
    r"|(?P<ruby>\s+from \S+:\d+:in )"
    rf"|(?P<numbered>{_NUMBERED})"
    r"|(?P<rust> *\d+: +(?:0x[0-9a-f]+ - )?\S)"
    r"|(?P<go>created by \S|(?=.*\)\s*\Z)[\w./*-][^\s(]*\()"
)
_REST = {"rust": re.compile(r" +at \S+:\d+"), "go": re.compile(r"\t\S+:\d+")}
"""The line below a frame's first: where it is. Python's are told by their indentation."""

_LIBRARY = re.compile(
    r"site-packages|dist-packages|/lib(?:64)?/python\d|\"<frozen |[\\/]Lib[\\/]|node_modules|\bnode:|\(internal/|\(<anonymous>\)|\(native\)|/usr/local/go/src/|/go/pkg/mod/|/libexec/src/"
    r"|/rustc/|/\.cargo/registry/|/gems/|/lib/ruby/|/vendor/|\[internal function\]"
    r"|\A\s+at (?:[\w.@-]*//?)*(?:javax?|jdk|sun|com\.sun|kotlinx?|scala|akka|clojure|groovy|androidx?|dalvik|reactor|okhttp3|retrofit2|junit|com\.android"
    r"|org\.(?:springframework|apache|hibernate|eclipse|junit|jboss|slf4j|gradle|codehaus|postgresql|mockito|testng|jetbrains)|io\.(?:netty|undertow|grpc|reactivex|micrometer|quarkus|vertx|ktor|micronaut)"
    r"|com\.(?:fasterxml|google\.common|zaxxer|mysql|squareup|intellij)|ch\.qos|System|Microsoft|Newtonsoft|NUnit|Xunit|Castle|Autofac)\."
    r"|\A *\d+: +(?:0x[0-9a-f]+ - )?<*(?:std|core|alloc|tokio|rayon|hyper|futures\w*|__rust\w*|_*rust_\w+|__libc_start\w*|_start|main\Z)\b"
    r"|\A(?:runtime|testing|net/http|panic|created by (?:runtime|testing|net/http))[.(]"
)
_GOROUTINE = re.compile(r"goroutine \d+ [^\[]*(\[[^,\]]*)")
_ARGUMENTS = re.compile(r"\([^()]*\)$| \+0x[0-9a-f]+$| in goroutine \d+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its lines, and whether they are of a library."""

    where: range
    text: str
    library: bool


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """Stack traces. Kept for certain: messages and causes, one's own frames, the first and last frame and those where libraries begin and
    end; frames in libraries between them are counted."""

    name: str = "trace-summary"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        lines = [line for line in sample(text, HALF).split("\n") if line.strip()]
        looked = lines[:: max(1, len(lines) // LOOKED_AT)]
        found = sum(1 for line in looked if _LOOK.match(line))
        return 0.9 if found >= max(MIN_SEEN, SHARE * len(looked)) else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        lines = text.split("\n")
        traces = list(_traces(lines))
        routine: dict[int, Routine] = {}
        first: dict[tuple[str, ...], int] = {}
        for trace in traces:
            if len(trace) >= MIN_FRAMES:
                known = first.setdefault(tuple(frame.text for frame in trace), trace[0].where.start)
                routine.update(_folded(trace, known))
        routine.update(_goroutines(lines, traces))
        return fold(text, lines, routine, goal.query) if routine else None

    def expand(self, short: str) -> str | None:
        return None


def _traces(lines: Sequence[str]) -> Iterator[list[Frame]]:
    """Frames that follow one another without a line between."""
    trace: list[Frame] = []
    i = 0
    while i < len(lines):
        end = _end(lines, i)
        if end > i:
            text = "\n".join(lines[i:end])
            trace.append(Frame(range(i, end), text, _LIBRARY.search(text) is not None))
        elif trace:
            yield trace
            trace = []
        i = max(end, i + 1)
    if trace:
        yield trace


def _end(lines: Sequence[str], i: int) -> int:
    """Behind the last line of the frame that begins with line i; i if none does."""
    found = _FRAME.match(lines[i]) if lines[i] and len(lines[i]) <= MAX_LINE else None
    if found is None:
        return i
    end = i + 1
    kind = found.lastgroup or ""
    if kind == "python":
        deeper = found["indent"] + "  "
        while end < len(lines) and len(lines[end]) <= MAX_LINE and lines[end].startswith((deeper, found["indent"] + "[Previous line repeated ")):
            if end > i + 1 and SEVERE.search(lines[end]):
                break  # below the line of source may stand what somebody else printed
            end += 1
    elif kind in _REST:
        if end < len(lines) and len(lines[end]) <= MAX_LINE and _REST[kind].match(lines[end]):
            end += 1
        elif kind == "go":
            return i
    return end


def _folded(trace: Sequence[Frame], known: int) -> dict[int, Routine]:
    """The lines of frames that are not shown; `known`: the line on which a trace just like it began."""
    if known != trace[0].where.start:
        return _lines(trace, dict.fromkeys(range(1, len(trace) - 1), f"frames as from line {known + 1} on"))
    counts: Counter[str] = Counter()
    hidden: dict[int, str] = {}
    for i, frame in enumerate(trace[:-1]):
        counts[frame.text] += 1
        if counts[frame.text] > RECURRENCES:
            hidden[i] = "repeated frames"
    own = {i for i, frame in enumerate(trace) if not frame.library}
    ends = 1 if own else ENDS
    for i in range(ends, len(trace) - ends):
        if i not in hidden and own.isdisjoint((i - 1, i, i + 1)):
            hidden[i] = "library frames"
    return _lines(trace, hidden)


def _lines(trace: Sequence[Frame], hidden: Mapping[int, str]) -> dict[int, Routine]:
    return {line: Routine(unit, int(line == trace[i].where.start)) for i, unit in hidden.items() for line in trace[i].where}


def _goroutines(lines: Sequence[str], traces: Sequence[Sequence[Frame]]) -> dict[int, Routine]:
    """The goroutines whose stack, but for the arguments, stood there before."""
    found: dict[int, Routine] = {}
    seen: set[str] = set()
    for trace in traces:
        start, end = trace[0].where.start - 1, trace[-1].where.stop
        goroutine = _GOROUTINE.match(lines[start][:MAX_LINE]) if start >= 0 else None
        if goroutine is None:
            continue
        stack = "\n".join([goroutine[1], *(_ARGUMENTS.sub("", frame.text) for frame in trace)])
        if stack in seen:
            found.update({i: Routine("goroutines with a stack shown above", int(i == start)) for i in range(start, end)})
        seen.add(stack)
    return found if len(found) >= MIN_FRAMES else {}
