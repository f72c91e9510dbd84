from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.lines import view
from headroom.compressors.tracebacks import MIN_FRAMES, TraceSummary

SUMMARY = TraceSummary()
GOAL = Goal()

Make = Callable[[int], str]
OWN: dict[str, Make] = {
    "python": lambda i: f'  File "/srv/app/shop/views.py", line {i}, in view_{i}\n    return basket.total()\n           ^^^^^^^^^^^^^^',
    "group": lambda i: f'  |   File "/srv/app/shop/views.py", line {i}, in view_{i}\n  |     return basket.total()',
    "java": lambda i: f"\tat com.acme.shop.Basket.add{i}(Basket.java:{i})",
    "csharp": lambda i: f"   at Acme.Shop.Basket.Add{i}(Int32 count) in /srv/app/Basket.cs:line {i}",
    "node": lambda i: f"    at add{i} (/srv/app/src/basket.js:{i}:17)",
    "go": lambda i: f"example.org/shop.(*Basket).Add{i}(0xc000012, 0x3)\n\t/srv/app/basket.go:{i} +0x1d",
    "rust": lambda i: f"  {i}: engine::load_{i}\n             at ./src/main.rs:{i}:65",
    "ruby": lambda i: f"\tfrom /srv/app/lib/shop/basket.rb:{i}:in 'add'",
    "php": lambda i: f"#{i} /srv/app/src/Basket.php({i}): Basket->add()",
}
LIBRARY: dict[str, Make] = {
    "python": lambda i: f'  File "/srv/app/.venv/lib/python3.11/site-packages/web/core.py", line {i}, in call_{i}\n    response = handler(request)',
    "group": lambda i: f'  |   File "/usr/lib/python3.11/asyncio/tasks.py", line {i}, in wait_{i}\n  |     return await fut',
    "java": lambda i: f"\tat org.springframework.web.Filter{i}.doFilter(Filter.java:{i}) ~[spring-web-6.1.jar:6.1]",
    "csharp": lambda i: f"   at Microsoft.AspNetCore.Mvc.Invoker{i}.InvokeAsync()",
    "node": lambda i: f"    at Layer.handle{i} [as handle_request] (/srv/app/node_modules/express/lib/layer.js:{i}:5)",
    "go": lambda i: f"net/http.HandlerFunc.ServeHTTP{i}(0x1)\n\t/usr/local/go/src/net/http/server.go:{i} +0x29",
    "rust": lambda i: f"  {i}: core::ops::function::FnOnce::call_{i}\n             at /rustc/59807616e1fa/library/core/src/ops/function.rs:{i}:5",
    "ruby": lambda i: f"\tfrom /usr/local/bundle/gems/rack-3.1/lib/rack.rb:{i}:in 'call'",
    "php": lambda i: f"#{i} /srv/app/vendor/symfony/http-kernel/HttpKernel.php({i}): handle()",
}


def shown(text: str, query: str = "") -> str:
    made = SUMMARY.compress(text, Goal(query=query))
    assert made is not None
    assert made.grade == "lossy"
    assert view.numbered(made.text, text.split("\n")) is not None
    return made.text


@pytest.mark.parametrize("language", OWN)
def test_runs_of_library_frames_are_counted_and_their_borders_stay(language: str) -> None:
    own, library = OWN[language], LIBRARY[language]
    frames = [own(1), *(library(i) for i in range(2, 22)), own(22), library(23)]
    text = "\n".join(["Error: no answer", *frames, "the end of it"])
    each = len(library(1).split("\n"))
    first = 3 + len(own(1).split("\n")) - 1 + each
    gap = f"… {first}-{first + 18 * each - 1} (18 library frames)"
    assert shown(text) == "\n".join(["Error: no answer", own(1), library(2), gap, library(21), own(22), library(23), "the end of it"])
    assert SUMMARY.sniff(text, GOAL) > 0.5
    assert SUMMARY.compress(shown(text), GOAL) is None


@pytest.mark.parametrize("language", OWN)
def test_short_traces_and_those_of_ones_own_code_stay(language: str) -> None:
    own, library = OWN[language], LIBRARY[language]
    assert SUMMARY.compress("\n".join(["Error", own(1), *(library(i) for i in range(2, MIN_FRAMES))]), GOAL) is None
    assert SUMMARY.compress("\n".join(["Error", *(own(i) for i in range(1, 40))]), GOAL) is None


def test_recursion_is_shown_twice() -> None:
    text = "\n".join(["java.lang.StackOverflowError", *["\tat Crash.deep(Crash.java:5)", "\tat Crash.other(Crash.java:9)"] * 20])
    assert shown(text) == "\n".join([*text.split("\n")[:5], "… 6-40 (35 repeated frames)", "\tat Crash.other(Crash.java:9)"])


def test_of_a_trace_that_comes_again_the_ends_and_the_messages_stay() -> None:
    frames = [OWN["java"](i) for i in range(20)]
    text = "\n".join(["java.lang.A: 1", *frames, "Caused by: java.lang.B: 2", "\t... 23 more", "java.lang.A: 3", *frames])
    assert shown(text) == "\n".join(["java.lang.A: 1", *frames, "Caused by: java.lang.B: 2", "\t... 23 more", "java.lang.A: 3", frames[0], "… 26-43 (18 frames as from line 2 on)", frames[-1]])


def test_goroutines_with_one_stack_are_counted() -> None:
    stack = "main.(*Pool).work(0xc0000{0:02}, 0x{0})\n\t/srv/app/pool.go:41 +0x1d\ncreated by main.start in goroutine 1\n\t/srv/app/pool.go:20 +0x5a\n"
    dump = [f"goroutine {i} [chan receive, {i} minutes]:\n" + stack.format(i) for i in range(2, 30)]
    text = "\n".join(["panic: boom\n", "goroutine 1 [running]:\nmain.main()\n\t/srv/app/main.go:3 +0x1\n", *dump, "exit status 2"])
    assert shown(text) == "\n".join([*text.split("\n")[:12], "… 13-173 (27 goroutines with a stack shown above)", "", "exit status 2"])


def test_a_frame_that_the_question_names_stays() -> None:
    text = "\n".join(["Error", *(LIBRARY["java"](i) for i in range(30))])
    assert LIBRARY["java"](17) in shown(text, "what does Filter17.doFilter do?")


@pytest.mark.parametrize("text", ["", "no trace at all\n" * 40, "#12 an issue\n" * 10, "12: a match\n" * 30 + "see", "1. one (1)\n2. two (2)\n" * 20], ids=["empty", "prose", "issues", "matches", "list"])
def test_other_texts_are_left_alone(text: str) -> None:
    assert SUMMARY.sniff(text, GOAL) == 0
    assert SUMMARY.expand(text) is None


MESSAGES = st.sampled_from(["Caused by: java.lang.B: x", "\t... 12 more", "ValueError: bad", "", "During handling of the above exception, another exception occurred:", "2026-11-21 INFO started"])


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(OWN)), st.lists(st.one_of(st.tuples(st.booleans(), st.integers(1, 60), st.integers(1, 25)), MESSAGES), max_size=12))
def test_messages_and_own_frames_survive(language: str, bricks: list[tuple[bool, int, int] | str]) -> None:
    """But for those that are shown elsewhere in the same form."""
    lines: list[str] = []
    telling: list[tuple[int, str]] = []
    for brick in bricks:
        frames = [brick] if isinstance(brick, str) else [(OWN if brick[0] else LIBRARY)[language](i) for i in range(brick[1], brick[1] + brick[2])]
        if isinstance(brick, str) or brick[0]:
            telling += [(len(lines) + i, line) for i, line in enumerate("\n".join(frames).split("\n"))]
        lines += "\n".join(frames).split("\n")
    made = SUMMARY.compress("\n".join(lines), GOAL)
    if made is None:
        return
    kept = view.numbered(made.text, lines)
    assert kept is not None
    visible = set(kept.values())
    assert all(line in visible for _, line in telling if line)
    assert all(i in kept for i, line in telling if line and not line.startswith((" ", "\t", "#")) and language != "go")


@pytest.mark.parametrize("text", ["x" * 300_000, "a\n" * 100_000, ("    at a" + ")" * 900 + "x\n") * 100, ("a" + "(*b)" * 240 + "x\n") * 300, "\x00" * 100_000, ("#1 " + "/vendor" * 100 + "x\n") * 10])
def test_hostile_texts_are_survived(text: str) -> None:
    SUMMARY.sniff(text, GOAL)
    assert SUMMARY.compress(text, GOAL) is None


def test_steps_of_docker_are_no_frames() -> None:
    steps = [f"#{n} {rest}" for n in range(1, 40) for rest in (f"[internal] load /app/node_modules/b{n}", f"0.4 npm error path /app/node_modules/y{n}", "DONE 0.1s")]
    text = "\n".join([*steps, 'ERROR: process "/bin/sh -c npm ci" did not complete (exit code: 1)'])
    assert SUMMARY.sniff(text, GOAL) == 0.0
    assert SUMMARY.compress(text, GOAL) is None


def test_what_another_stream_printed_between_frames_stays() -> None:
    lines = ["Traceback (most recent call last):"]
    for n in range(80):
        lines += [f'  File "/usr/lib/python3.11/site-packages/x/m{n}.py", line {n}, in f{n}', f"    raise_error({n})", "    ^^^^^^^^^^^"]
    lines[121:121] = ["    12:00:01 ERROR disk sda failed"]
    made = SUMMARY.compress("\n".join([*lines, "ValueError: x"]), GOAL)
    assert made is not None
    assert "disk sda failed" in made.text
    assert "raise_error(20)" not in made.text
