"""Tables of aligned columns lose their padding and what repeats, and come back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.columns import HEADER, MAX_CHARS, Columns

COLUMNS = Columns()
GOAL = Goal(tool="Bash")

NAMES = ["USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND"]
PROCESSES = [
    f"{user:<8} {pid:>7}  0.{pid % 3}  0.0 {rss * 3:>6} {rss:>5} ?        {stat:<4} 02:29   0:00 {command}"
    for user, pid, rss, stat, command in (
        ("root", 8, 3320, "S", "bash run.sh"), ("root", 17, 1532, "Ss", "nginx: master process nginx -c /srv/nginx.conf"), ("nobody", 18, 4212, "S", "nginx: worker process"),
        ("nobody", 19, 4212, "S", "nginx: worker process"), ("root", 20, 12324, "Sl", "redis-server 127.0.0.1:6379"), ("postgres", 41, 29316, "S", "postgres -D pg"),
    )
]
SIZES = [f"{size}\t/srv/app/{path}" for size, path in (
    ("4.0K", "db/a.py"), ("88K", "db/b.py"), ("4.0K", "db/c.py"), ("12K", "db/sql/d.py"), ("4.0K", "db/sql/e.py"), ("8.0K", "db/sql/f.py"), ("16K", "db/sql"), ("116K", "db"),
)]
COUNTS = [f"{a:>7} {a * 3:>7} {a * 19:>7} /srv/app/lib/{name}" for a, name in ((147, "abc.py"), (16, "ast.py"), (1121, "bdb.py"), (252, "cmd.py"), (91, "csv.py"))] + ["   1627    4881   30913 total"]
PODS = ["NAME                      READY   STATUS             RESTARTS      AGE"] + [
    f"{name:<25} {ready:<7} {status:<18} {restarts:<13} {age}" for name, ready, status, restarts, age in (
        ("cart-6d9f7c8b5d-x2x7k", "1/1", "Running", "0", "12d"), ("cart-6d9f7c8b5d-9lqtp", "1/1", "Running", "0", "12d"), ("mail-58c9b7d4f-m4w2z", "0/1", "CrashLoopBackOff", "17 (5h ago)", "12d"),
        ("search-7f6c5-ab1cd", "1/1", "Running", "3 (2d ago)", "3h12m"), ("gateway-5b8f-kk2lp", "1/1", "Running", "0", "47d"), ("worker-77d-zzz9x", "2/2", "Running", "0", "47d"),
    )
]
UNITS = ["  UNIT            LOAD   ACTIVE DESCRIPTION"] + [f"  {name:<15} loaded {state:<6} The {name} of 2026-11-21" for name, state in (
    ("cart.service", "active"), ("mail.service", "failed"), ("search.service", "active"), ("ship.service", "active"), ("work.service", "active"), ("x.service", "active"),
)]
SOCKETS = [f"LISTEN 0      {queue:<5} 127.0.0.1:{port:<5} 10.0.0.{port % 7}:{port % 9 * 1000:<5}" for queue, port in ((128, 80), (511, 443), (5, 5432), (511, 6379), (128, 22), (4096, 53))]
CASES = {
    "units": UNITS * 2,
    "sockets": SOCKETS * 2,
    "counts of words": [f"{i:>7} {'a' * (i % 5)}=b" for i in range(1, 40, 3)],
    "cells that leave marks": [f"{i:>5} x={i} y/{i}" for i in range(12)] + [f"{i:>5} x=={i} y/={i}" for i in range(12)],
    "tables of other shapes": [f"100644 {i:040x} 0\ta/{i}.py" for i in range(9)] + [f"100644 blob {i:040x} {i:>7}\ta/{i}.py" for i in range(9)],
    "ps": NAMES + PROCESSES,
    "ps, no names": PROCESSES,
    "du": SIZES,
    "wc": COUNTS,
    "kubectl": PODS,
    "two tables": [*NAMES, *PROCESSES, "", "and then", "", *PODS],
    "one below the other": [*PROCESSES, *PROCESSES[:5], *COUNTS],
    "a preamble": ["top - 10:11:12 up 12 days", "Tasks: 231 total", "", *NAMES, *PROCESSES],
    "a cell too wide": [*PROCESSES, "someone-with-a-name   99  0.0  0.0   1111  1111 ?        S    02:29   0:00 x", "root     1234567890  0.0  0.0 123456789  1111 ?        S    02:29   0:00 x"],
    "CRLF": [f"{line}\r" for line in PROCESSES],
    "lines like ours": [*PROCESSES, "> a", "## b", "= c", "=="],
    "rows like ours": [f"{first:<5} {i:>5} {'x' * (i % 3):<4} abcdefghij" for i, first in enumerate(["=", "==", ">", "##", "##a", "=a", "a", "b", "c", "a="])],
    "quotes and percents": [f'{i:>5}% "a" %s {"y" * i:<12} z' for i in range(9)],
    "paths like ours": [f"{i}\tsrc/{name}" for i, name in enumerate(["=a", "> b", "## c", "d/=", "d/> e", "", "f", "g", "h"])],
    "all alike": ["root     1  0.0"] * 9,
    "a final blank": [*(line + " " for line in PROCESSES)],
}


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
@pytest.mark.parametrize("lines", CASES.values(), ids=CASES)
def test_every_table_comes_back(lines: list[str], end: str) -> None:
    text = "\n".join(lines) + end
    made = COLUMNS.compress(text, GOAL)
    if made is not None:
        assert COLUMNS.expand(made.text) == text
        assert made.grade == "exact"


def test_processes_lose_their_padding_and_what_is_usual() -> None:
    made = COLUMNS.compress("\n".join(NAMES + PROCESSES * 3), GOAL)
    assert made is not None
    header, names, *rows = made.text.split("\n")
    assert header.startswith('[table of 19 lines, "%-8s %7s %4s  0.0 %6s %5s ?        %-4s 02:29   0:00 %s" unpadded; "=" is the cell of "')
    assert header.endswith('; "> " before other lines]')
    assert names == f"> {NAMES[0]}"
    assert rows[1] == "root 17 = 4596 1532 Ss nginx: master process nginx -c /srv/nginx.conf"


def test_paths_stand_below_their_folders() -> None:
    made = COLUMNS.compress("\n".join(SIZES * 2), GOAL)
    assert made is not None
    header, *rows = made.text.split("\n")
    assert '"%s\t/srv/app/%s" unpadded' in header
    assert rows[:6] == ["## db/", "= a.py", "88K b.py", "= c.py", "## db/sql/", "12K d.py"]


def test_cells_of_several_words_end_with_two_blanks() -> None:
    made = COLUMNS.compress("\n".join(PODS * 3), GOAL)
    assert made is not None
    assert "mail-58c9b7d4f-m4w2z 0/1 CrashLoopBackOff 17 (5h ago)  =" in made.text


def test_what_all_cells_begin_or_end_with_stands_in_the_pattern() -> None:
    made = COLUMNS.compress("\n".join(SOCKETS * 5), GOAL)
    assert made is not None
    assert '"LISTEN 0      %-5s 127.0.0.1:%-5s 10.0.0.%' in made.text.split("\n")[0]


@pytest.mark.parametrize("text", ["", "\n", "one line", "some prose\nthat goes on\nfor a while\nand then\nends\nhere", "def f():\n    return 1\n" * 9], ids=repr)
def test_what_is_no_table_is_left_alone(text: str) -> None:
    assert COLUMNS.compress(text, GOAL) is None
    assert COLUMNS.sniff(text, GOAL) == 0.0


def test_tables_are_told_from_other_texts() -> None:
    for lines in (NAMES + PROCESSES + PROCESSES, SIZES * 2, COUNTS * 2, PODS * 2):
        assert COLUMNS.sniff("\n".join(lines), GOAL) >= 0.5
    assert COLUMNS.sniff("a line of prose that has no columns at all\n" * 20, GOAL) == 0.0


def test_a_form_is_left_alone() -> None:
    made = COLUMNS.compress("\n".join(NAMES + PROCESSES), GOAL)
    assert made is not None
    assert COLUMNS.compress(made.text, GOAL) is None


@pytest.mark.parametrize("form", ["a table", f"{HEADER}3 lines]", f'{HEADER}9 lines, "%s %s" unpadded]\na b', f'{HEADER}1 lines, "%d" unpadded]\na', f'{HEADER}1 lines, "%s %s" unpadded]\na'])
def test_foreign_forms_are_refused_or_stand(form: str) -> None:
    assert COLUMNS.expand(form) in (None, form)


def test_too_much_is_too_costly() -> None:
    with pytest.raises(TooCostly):
        COLUMNS.compress("a" * (MAX_CHARS + 1), GOAL)


LINE = st.one_of(
    st.sampled_from([line for lines in CASES.values() for line in lines]),
    st.lists(st.sampled_from(["a", "bb", "12", "=", "x/y", "  ", "\t", "%s", '"', "é", ">", "##"]), max_size=7).map(" ".join),
    st.builds("{:<8} {:>5}  {}".format, st.sampled_from(["a", "bb", "ccc", "="]), st.integers(0, 99999), st.sampled_from(["x/y/z", "x/y/w", "", "q r"])),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(LINE, min_size=5, max_size=30), st.sampled_from(["", "\n"]))
def test_any_text_comes_back(lines: list[str], end: str) -> None:
    text = "\n".join(lines) + end
    made = COLUMNS.compress(text, GOAL)
    if made is None:
        return
    assert COLUMNS.expand(made.text) == text
    assert len(made.text) < len(text)
    again = COLUMNS.compress(made.text, GOAL)
    assert again is None or again.text == made.text
