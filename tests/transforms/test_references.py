"""What was seen before is named; what was not, or is not seen any more, is never referred to."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from headroom import ccr
from headroom.compressors.base import Goal
from headroom.compressors.paths import Paths
from headroom.compressors.reads import NumberedReads
from headroom.conversation import Json, Part, Role, Skip
from headroom.tokens import estimate
from headroom.transforms.base import Sent, Short
from headroom.transforms.references import MAX_SEEN, References, label, names

HEAD = '[lines seen before: "= A-B of X" is lines A-B of the earlier result X]\n'
CODE = [f"    value_{n} = compute(number={n}, of={n * n})" for n in range(60)]
READ: Json = {"file_path": "src/app.py"}
BUILD: Json = {"command": "make test"}


def cat(lines: Sequence[str], first: int = 1) -> str:
    return "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(lines, first))


FILE = cat(CODE)
LOG = "\n".join(f"test_{n} passed in {n * 7 % 13} ms" for n in range(60))


def part(text: str, tool: str = "Read", call: Json = READ, *, error: bool = False, role: Role = "tool") -> Part:
    return Part(role, text, ("x",), tool, call, error)


def sent(text: str, left: str | None = None, tool: str = "Read", call: Json = READ, role: Role = "tool") -> Sent:
    return Sent(part(text, tool, call, role=role), text if left is None else left)


def refer(now: Part, *past: Sent) -> Short | Skip:
    references = References(estimate)
    answer = references(now, past, False)
    if isinstance(answer, Short):
        assert answer.grade == "exact"
        assert references.expand(answer.text, past) == now.text
    return answer


def form(answer: Short | Skip) -> str:
    return answer.text.removeprefix(HEAD) if isinstance(answer, Short) else answer


def thinned(text: str) -> str:
    made = NumberedReads().compress(text, Goal())
    assert made is not None
    return made.text


LIKE = "[like the earlier result of Bash make test, but for this diff]\n"
MARKER = ccr.marker("0" * 24, "lines 9-50")


@pytest.mark.parametrize(
    ("now", "past", "expected"),
    [
        (part(FILE), [], "no_kind"),
        (part(FILE), [sent(FILE)], "= all of Read src/app.py"),
        (part(FILE + "\n"), [sent(FILE + "\n")], "= all of Read src/app.py\n"),
        (part(FILE), [sent(FILE, thinned(FILE))], "= all of Read src/app.py"),
        (part(FILE), [sent(FILE, "[some form]\nof it all")], "= all of Read src/app.py"),  # a form that leaves nothing out
        (part(FILE), [sent(FILE, f"{MARKER}\n{cat(CODE[:8])}")], "no_kind"),
        (part(FILE), [sent(f"{MARKER}\n{FILE}")], "no_kind"),
        (part(FILE), [sent(FILE), sent(FILE, HEAD + "= all of Read src/app.py")], "= all of Read src/app.py (1st of 2)"),
        (part(FILE), [sent(FILE, HEAD + "= 1-60 of Read src/old.py")], "no_kind"),
        (part(FILE), [sent(FILE, f"[numbered lines 1-9]\n{HEAD}= 1-60 of Read src/old.py")], "no_kind"),
        (part(FILE), [sent(FILE, "")], "no_kind"),  # gone by now
        (part(FILE), [sent(FILE, role="user"), sent(FILE, role="assistant"), sent(FILE, role="system")], "no_kind"),
        (part(FILE, error=True), [sent(FILE)], "error"),
        (part(FILE[:400]), [sent(FILE)], "short"),
        (part(f"{MARKER}\n{FILE}"), [sent(f"{MARKER}\n{FILE}")], "marked"),
        (part(f"{HEAD}{FILE}"), [sent(FILE)], "marked"),
        (part(cat(CODE[20:50], 21)), [sent(FILE, thinned(FILE))], "= 21-50 of Read src/app.py"),
        (part(cat(CODE[20:50], 21)), [sent(FILE, "[some form]\nof it all")], "no_gain"),  # most lines are gone
        (part(cat(CODE[20:50], 21), "view"), [sent(FILE, "[some form]\nof it all")], "no_kind"),
        (part(LOG + "\n1 more", "Bash", BUILD), [sent(LOG, "[log]\n…", "Bash", BUILD)], LIKE + "@@ -60,0 +61 @@\n+1 more"),
        (part(LOG + "\n1 more", "Bash", BUILD), [sent(LOG, "[log]\n…", "Bash", BUILD), sent(LOG + "\n2", LIKE + "@@ -60,0 +61 @@\n+2", "Bash", BUILD)], LIKE.replace("test,", "test (1st of 2),") + "@@ -60,0 +61 @@\n+1 more"),
        (part(LOG + "\n1 more", "Bash", BUILD), [sent(LOG, f"{MARKER}\n…", "Bash", BUILD)], "no_kind"),
        (part(LOG + "\n1 more", "Bash", BUILD), [sent(LOG, f"[some form]\n{LIKE}@@ -60,0 +61 @@\n+2", "Bash", BUILD)], "no_kind"),
        (part(LIKE + LOG), [sent(FILE)], "marked"),
        (part(cat(CODE[20:50], 21)), [sent("[a title]\n" + FILE)], "= 21-50 of Read src/app.py"),  # not a form: it left as it came
        (part(LOG, "Bash", BUILD), [sent(LOG.replace("\n", " \n"), LOG, "Bash", BUILD)], "= all of Bash make test"),  # tidied
        (part(LOG, "Bash", BUILD), [sent(LOG.replace("\n", " \n"), "[log]\n…", "Bash", BUILD)], "= all of Bash make test"),  # tidied, then in a form
        (part(cat([*(f"    is_new_{n} = here(number={n})" for n in range(60)), *CODE[:5]])), [sent(FILE)], "no_gain"),
        (part(FILE), [sent(FILE + "\n" * MAX_SEEN)], "no_kind"),
    ],
)
def test_what_is_seen_is_named(now: Part, past: list[Sent], expected: str) -> None:
    assert form(refer(now, *past)) == expected


@pytest.mark.parametrize(
    ("tool", "call", "expected"),
    [
        ("Read", READ, "Read src/app.py"),
        ("Read", {"file_path": "/a b/c.py", "offset": 3}, "Read /a b/c.py"),
        ("shell", {"command": ["bash", "-lc", "make test"]}, "shell bash -lc make test"),
        ("Bash", {"command": "  make \\\n  test"}, "Bash make \\ …"),
        ("Bash", {"command": "echo " + "word " * 30}, "Bash echo word word word word word word word word word word word …"),
        ("Read", {"file_path": "/srv/" + "x" * 120}, "Read /srv/" + "x" * 120),
        ("fetch", {"url": "https://a.example/" + "x" * 300}, "fetch …"),
        ("Bash", {"command": "echo a\x00b"}, "Bash echo a …"),
        ("list", None, "list"),
        ("list", {"depth": 3, "path": ""}, "list"),
        ("", None, "tool"),
    ],
)
def test_a_result_is_called_by_the_call_and_no_path_is_cut(tool: str, call: Json, expected: str) -> None:
    assert label(part("", tool, call)) == expected


def test_results_of_like_calls_are_told_apart() -> None:
    assert names([]) == {}
    past = [sent(FILE), sent("hello", role="user"), sent(LOG, tool="Bash", call=BUILD), *[sent(FILE)] * 22]
    named = list(names(past).values())
    assert named[:5] == ["Read src/app.py (1st of 23)", "Bash make test", *(f"Read src/app.py ({n} of 23)" for n in ("2nd", "3rd", "4th"))]
    assert named[11:14] == [f"Read src/app.py ({n} of 23)" for n in ("11th", "12th", "13th")]
    assert named[-2:] == ["Read src/app.py (22nd of 23)", "Read src/app.py (previous)"]
    assert names([sent(FILE, ""), sent(FILE), sent("")]) == {1: "Read src/app.py (1st of 2)", 2: "Read src/app.py (previous)"}


def test_the_latest_place_is_named() -> None:
    other = part(FILE, call={"file_path": "src/copy.py"})
    assert form(refer(part(FILE), sent(FILE), Sent(other, FILE))) == "= all of Read src/copy.py"


def test_a_list_of_paths_that_left_in_a_short_form_is_known_by_what_it_stands_for() -> None:
    text = "\n".join(f"./src/app/part_{n % 9}/module_{n}.py" for n in range(90))
    made = Paths().compress(text, Goal())
    assert made is not None
    listed: Json = {"command": "find . -name '*.py'"}
    answer = refer(part(text, "Bash", listed), sent(text, made.text, "Bash", listed))
    assert form(answer) == "= all of Bash find . -name '*.py'"
    assert refer(part(made.text, "Bash", BUILD), sent(text, made.text, "Bash", listed)) == "no_kind"


def test_a_session_of_reads_edits_and_runs() -> None:
    """Each text is named as far as it was seen, and what a reference brought word for word can be referred to in turn."""
    references = References(estimate)
    past: list[Sent] = []

    def print_(text: str, tool: str = "Read", call: Json = READ) -> str:
        now = part(text, tool, call)
        answer = references(now, past, False)
        left = answer.text if isinstance(answer, Short) else text
        assert left == text or references.expand(left, past) == text
        past.append(Sent(now, left))
        return left.removeprefix(HEAD)

    edited = [*CODE[:30], *(f"    added_{n} = read(number={n}, then=None)" for n in range(6)), *CODE[30:]]
    grown = LOG.replace("test_30 passed", "test_30 FAILED")
    assert print_(FILE) == FILE
    assert print_(cat(CODE[40:], 41)) == "= 41-60 of Read src/app.py"
    again = print_(cat(edited))
    assert again == f"= 1-30 of Read src/app.py (1st of 2)\n{cat(edited[30:36], 31)}\n= 37-66, were 31-60, of the same"
    assert print_("\n".join(edited[25:60]), "Bash", {"command": "sed -n 26,60p src/app.py"}) == (
        "= 26-30, unnumbered, of Read src/app.py (1st of 3)\n= 31-36, unnumbered, of Read src/app.py (previous)\n"
        "= 31-54, unnumbered, of Read src/app.py (1st of 3)"
    )
    assert print_(LOG, "Bash", BUILD) == LOG
    assert print_(grown, "Bash", BUILD) == (
        '= 1-30 ("test_0 passed in 0 ms") of Bash make test\ntest_30 FAILED in 2 ms\n= 32-60 ("test_31 passed in 9 ms") of the same'
    )
    assert print_(grown, "Bash", BUILD).startswith('= 1-30 ("test_0 passed in 0 ms") of Bash make test (1st of 2)\ntest_30')


def simulated(turns: int, seed: int) -> Iterator[Part]:
    """An agent at work: of three files nineteen in twenty re-reads are ranges; edits between them; the tests run again."""
    chance = random.Random(seed)
    files = {f"src/{name}.py": [f"    {name}_{n} = compute(number={n}, of={n * n})" for n in range(200)] for name in ("app", "store", "wire")}
    tests = [f"tests/test_{n % 7}.py::test_case_{n} PASSED" for n in range(60)]
    for path, lines in files.items():
        yield part(cat(lines), call={"file_path": path})
    for turn in range(turns):
        path = chance.choice(sorted(files))
        lines, at = files[path], chance.randrange(150)
        if chance.random() < 0.3:
            lines[at : at + 2] = [f"    changed_{turn}_{n} = None  # was two lines" for n in range(3)]
        if chance.random() < 0.3:
            failing = chance.randrange(60)
            yield part("\n".join([*tests[:failing], tests[failing].replace("PASSED", "FAILED"), *tests[failing + 1 :], f"in {turn}.2s"]), "Bash", BUILD)
        elif chance.random() < 0.05:
            yield part(cat(lines), call={"file_path": path})
        else:
            yield part(cat(lines[at : at + 50], at + 1), call={"file_path": path, "offset": at + 1, "limit": 50})


def test_of_a_session_of_partial_reads_and_runs_more_than_half_was_seen_before() -> None:
    references = References(estimate)
    past: list[Sent] = []
    for now in simulated(60, seed=3):
        answer = references(now, past, False)
        past.append(Sent(now, answer.text if isinstance(answer, Short) else now.text))
    before, after = sum(estimate(one.part.text) for one in past), sum(estimate(one.text) for one in past)
    assert after < 0.45 * before
