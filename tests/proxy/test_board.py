"""The board of figures that the processes of one proxy share."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.proxy.board import FIRST, HALF, HEADER, Board, in_folder, in_memory

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX locks")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "board-1"


def opened(path: Path) -> Board:
    return Board(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


OTHER = """
import os, sys
from headroom.proxy.board import Board
board = Board(os.open(sys.argv[1], os.O_CREAT | os.O_RDWR, 0o600))
left = board.inherited
print("" if left is None else b" ".join([left.text, *left.before, b"/", *left.since]).decode(), flush=True)
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "post":
        print(board.post(rest.encode()), flush=True)
    elif word == "others":
        print(sorted((b"+".join([post.text, *post.since]).decode(), post.live) for post in board.others()), flush=True)
    elif word == "add":
        print(board.add(rest.encode()), flush=True)
"""


class Process:
    """Another process at the board; locks are between processes."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.inherited = self._line()

    def do(self, words: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()
        return self._line()

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@pytest.fixture
def processes(path: Path) -> Iterator[list[Process]]:
    started = [Process(path) for _ in range(3)]
    yield started
    for process in started:
        process.kill()


def test_each_reads_what_the_others_posted(processes: list[Process]) -> None:
    for number, process in enumerate(processes):
        assert process.do(f"post {number}") == "True"
    assert processes[0].do("others") == "[('1', True), ('2', True)]"
    processes[1].do("post again")
    assert processes[2].do("others") == "[('0', True), ('again', True)]"


def test_what_a_process_posted_outlives_it_and_is_taken_over_once(processes: list[Process], path: Path) -> None:
    for number, process in enumerate(processes):
        process.do(f"post {number}")
    processes[1].kill()
    assert processes[0].do("others") == "[('1', False), ('2', True)]"
    successor = Process(path)
    assert successor.inherited == "1 /"
    newcomer = Process(path)
    assert newcomer.inherited == ""
    successor.do("post more than 1")
    assert processes[0].do("others") == "[('2', True), ('more than 1', True)]"
    successor.kill()
    newcomer.kill()


def test_what_was_added_since_is_read_with_the_post_and_outlives_its_process(processes: list[Process], path: Path) -> None:
    one, other, _ = processes
    assert one.do("add too early") == "False"
    for words in ("post 1", "add a", "add b", "post 2", "add c", "add d"):
        assert one.do(words) == "True"
        assert words.partition(" ")[2] in other.do("others")
    assert other.do("others") == "[('2+c+d', True)]"
    one.kill()
    assert other.do("others") == "[('2+c+d', False)]"
    successor = Process(path)
    assert successor.inherited == "2 a b / c d"
    assert successor.do("add x") == "False", "before it has posted what it took over"
    successor.do("post 3")
    assert other.do("others") == "[('3', True)]"
    successor.kill()


def test_the_slot_of_who_was_killed_is_taken_before_that_of_who_ended(processes: list[Process], path: Path) -> None:
    for number, process in enumerate(processes):
        process.do(f"post {number}")
        process.do("add x")
    for _ in range(2):
        processes[0].do("post done")
    for killed in (processes[0], processes[2]):
        killed.kill()
    successors = [Process(path) for _ in range(3)]
    assert [successor.inherited for successor in successors] == ["2 / x", "done /", ""]
    for successor in successors:
        successor.kill()


@given(st.lists(st.one_of(st.just(None), st.binary(min_size=1, max_size=300)), max_size=40), st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_what_is_read_is_what_was_added_to_the_last_post(tmp_path_factory: pytest.TempPathFactory, steps: list[bytes | None], cut: int) -> None:
    """None posts; in the end the last of what was written is torn off."""
    path = tmp_path_factory.mktemp("board") / "board"
    board, added = opened(path), list[bytes]()
    for number, step in enumerate([None, *steps]):
        if step is None:
            board.post(b"post %d" % number)
            added = []
        else:
            assert board.add(step)
            added.append(step)
    whole = opened(path).inherited
    assert whole is not None
    assert list(whole.since) == added
    data = bytearray(path.read_bytes())
    if added and added[-1] and cut:
        at = data.rindex(added[-1])
        end = at + len(added[-1])
        data[max(at, end - cut) : end] = bytes(end - max(at, end - cut))
        path.write_bytes(data)
        torn = opened(path).inherited
        assert torn is not None
        assert list(torn.since) in (added, added[:-1])
    board.close()


def test_a_full_disk_is_no_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board, pwrite = opened(path), os.pwrite
    board.post(b"1")
    board.add(b"a")

    def full(file: int, data: bytes, place: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    for half in (full, lambda file, data, place: pwrite(file, data[:5], place)):
        monkeypatch.setattr(os, "pwrite", half)
        assert (board.post(b"2"), board.add(b"b")) == (False, False)
    monkeypatch.undo()
    assert (board.add(b"c"), board.post(b"3"), board.add(b"d")) == (True, True, True)
    left = opened(path).inherited
    assert left is not None
    assert (left.text, left.before, left.since) == (b"3", (b"a", b"c"), (b"d",))
    board.close()


def test_what_is_added_has_bounds(path: Path) -> None:
    board = opened(path)
    board.post(b"1")
    half = os.urandom(HALF // 2 - 100)
    assert [board.add(half), board.add(half), board.add(half), board.add(b"a little")] == [True, True, False, True]
    board.post(b"2")
    assert board.add(half), "there is room again"
    board.close()


@given(cut=st.integers(0, 60), posts=st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_who_is_killed_while_writing_leaves_the_post_before(tmp_path_factory: pytest.TempPathFactory, cut: int, posts: int) -> None:
    path = tmp_path_factory.mktemp("board") / "board"
    board, reader = opened(path), opened(path)
    for number in range(posts):
        board.post(b"post %d" % number)
    before = path.read_bytes()
    board.post(b"the last")
    after = path.read_bytes()
    where = next(i for i, (a, b) in enumerate(zip(before.ljust(len(after), b"\0"), after, strict=True)) if a != b)
    torn = bytearray(before.ljust(len(after), b"\0"))
    torn[where : where + cut] = after[where : where + cut]
    path.write_bytes(torn)
    left = opened(path).inherited
    assert left is not None
    assert left.text in (b"post %d" % (posts - 1), b"the last")
    reader.close()
    board.close()


@pytest.mark.parametrize(("place", "number"), [(FIRST, 2), (FIRST + 3 * HALF, 1)])
def test_a_header_alone_is_nothing(path: Path, place: int, number: int) -> None:
    """The check sum of no bytes is what it begins with: two equal numbers in a damaged file would do."""
    board = opened(path)
    board.post(b"1")
    board.close()
    with path.open("r+b") as file:
        file.seek(place)
        file.write(HEADER.pack(number, 0, number))
    left = opened(path).inherited
    assert left is not None
    assert (left.text, left.since) == (b"1", ())


def test_what_is_too_large_is_not_posted(path: Path) -> None:
    board = opened(path)
    assert board.post(b"small")
    assert not board.post(os.urandom(HALF))
    assert board.post(b"x" * HALF), "it is packed"
    board.close()


def test_resets_are_counted_for_all(path: Path) -> None:
    first, second = opened(path), opened(path)
    assert first.resets == 0
    assert first.reset() == 1
    assert second.resets == 1
    first.close()
    second.close()


def test_a_board_in_memory_has_no_name(tmp_path: Path) -> None:
    board = Board(in_memory())
    assert board.post(b"x")
    assert list(board.others()) == []
    board.close()


def test_boards_of_parents_that_are_gone_are_deleted(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    folder = tmp_path / "state"
    for family in (gone.pid, os.getppid(), os.getpid()):
        os.close(in_folder(folder, family))
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"board-{pid}" for pid in (os.getppid(), os.getpid()))
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


HOLD = "import fcntl, sys; f = open(sys.argv[1], 'w+b'); fcntl.lockf(f, fcntl.LOCK_EX); print(1, flush=True); sys.stdin.read()"


def test_with_no_slot_left_it_only_reads(path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    board = opened(path)
    assert not board.post(b"x")
    assert board.resets == 0
    board.close()
    holder.communicate(b"")
