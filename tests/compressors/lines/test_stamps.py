from __future__ import annotations

import pytest

from headroom.compressors.lines.stamps import LEAST, share_stamped


@pytest.mark.parametrize("line", [
    "2026-11-21 10:11:12 INFO x", "[2026-11-21T10:11:12Z] x", "2026/11/21 10:11:12 [error] 7#7: *1 x", "Jun  9 06:06:20 host sshd[1]: x", "12-17 19:31:36.263  1795  1825 I x",
    "081109 203615 148 INFO x", "17/06/09 20:10:40 INFO x", "[Sun Dec 04 04:47:44 2005] [notice] x", '10.0.0.7 - - [21/Nov/2026:10:11:12 +0000] "GET / HTTP/1.1" 200 5',
    "12345:M 10 Oct 2026 13:55:36.123 * x", "I1121 10:11:12.000 7 x.go:5] x", "10:11:12.345 DEBUG x", "1795238289.123 x",
])
def test_lines_of_a_log_are_known_by_their_time(line: str) -> None:
    assert share_stamped("\n".join([line] * 20)) == 1
    trace = [line, "  at a.b.c(D.java:1)", "  at a.b.d(D.java:2)"]
    assert share_stamped("\n".join(trace * 20)) == 1


@pytest.mark.parametrize("text", [
    "", "def f():\n    return 1\n" * 40, "src/a.py:12: x = 1\n" * 40, "     1\tx\n     2\ty\n" * 40, '{"a": 1}\n' * 40, "1,2,3\n" * 40, "A sentence that says something.\n" * 40,
    "-rw-r--r-- 1 a a 1 Nov 21 02:19 a\n" * 40, "commit 0123456789abcdef\nAuthor: A\nDate: Sat\n\n    x\n" * 20, "1.2.3\n4.5.6\n" * 40, "0x12 aa bb\n" * 40,
])
def test_other_texts_are_none(text: str) -> None:
    assert share_stamped(text) == 0


def test_a_few_lines_prove_little() -> None:
    assert share_stamped("2026-11-21 x\n" * 2) == 2 / LEAST
