"""What may show a file is told from what does not; in doubt it does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json, Part
from headroom.transforms.reading import MAX_COMMAND, is_excerpt, is_file_read, is_retrieved


def part(tool: str, call: Json = None, text: str = "some output") -> Part:
    return Part("tool", text, ("messages", 0), tool, call)


READS = [
    "cat a.py",
    "cd src && cat a.py",
    "/bin/cat a.py",
    "FOO=1 BAR=2 cat a.py",
    "sudo -u x cat a.py",
    "head -50 a.py",
    "tail -n +20 a.py",
    "sed -n '1,80p' a.py",
    "awk 'NR<50' a.py",
    "bat -p a.py",
    "less a.py",
    "nl -ba a.py",
    "xxd a.bin | head",
    "jq . package.json",
    "python3 -m json.tool < x.json",
    "python3 -m json.tool x.json",
    "python -c 'print(open(\"x\").read())'",
    "git show HEAD:a.py",
    "git -C repo --no-pager diff HEAD~1",
    "git log -p -3",
    "git blame a.py",
    "grep -n -A30 'class X' a.py",
    "cd x; rg -n def",
    "ls; cat a.py",
    "ls | xargs cat",
    "find . -name '*.py' -exec head {} +",
    "for f in *; do head $f; done",
    "if true; then\n  tail x\nfi",
    "bash -lc 'cat a.py'",
    'sh -c "sed -n 1,2p a.py"',
    "echo $(cat a.py)",
    "echo `head a.py`",
    "true || cat a.py",
    "true & tail -f a.txt",
    "cat a.log b.py",
    "tail -5 a.log; cat setup.py",
    "tail -f a.log | xargs cat",
    "cat Makefile a.log",
    "cat $(ls *.py).log",
    "grep x a.log b.py",
    "python x.py a.log; cat a.log; cat b",
    "cat a.logic.py",
    "cat README",
    "wc -l < a.py",
    "docker exec box cat /etc/passwd",
    "ssh host ls",
    "Get-Content a.py",
    "type a.py",
    "docker run --rm image cat /etc/passwd",
    "systemctl cat nginx",
    "adb shell cat /sdcard/a.txt",
    "hdfs dfs -cat /a",
    "svn cat a.py",
    "hg diff",
    "jj file show a.py",
    "gcat a.py",
    "mawk 1 a.py",
    "colordiff -u a.py b.py",
    "gzip -dc a.py.gz",
    "tar xOf a.tar a.py",
    "iconv -f latin1 a.txt",
    "npx prettier a.js | cat",
    "prettier a.js",
    "ruby -e 'puts File.read(\"a.rb\")'",
    "php -r 'echo file_get_contents(\"a.php\");'",
    "pwsh -c '[IO.File]::ReadAllText(\"a\")'",
    "python -c 'print(Path(\"a\").read_bytes())'",
    "curl -s file:///srv/a.py",
    "x" * (MAX_COMMAND + 1),
]
OTHERS = [
    "ls -la",
    "pytest -v",
    "python -m pytest tests 2>&1 | tail -50",
    "make -j4 2>&1 | grep -i error | head -20",
    "npm install",
    "cargo build | sed 's/x/y/'",
    "git log --oneline -20",
    "git status",
    "docker build . 2>&1",
    "pip install -r requirements.txt",
    "find . -name '*.py'",
    "python <<EOF\nprint(1)\nEOF",
    "cd /srv/catalogue && ./header.sh",
    "tar czf a.tgz src",
    "docker run --rm image make",
    "curl -sI https://example.org",
    "cat app.log",
    "tail -n 500 /var/log/syslog",
    "cd /srv && grep ERROR logs/app.log.1 | head -300",
    "sed -n '1,400p' build.out",
]


@pytest.mark.parametrize("command", READS)
@pytest.mark.parametrize("tool", ["Bash", "exec_command", "run_terminal_cmd"])
def test_commands_that_show_files(tool: str, command: str) -> None:
    assert is_file_read(part(tool, {"command": command, "description": "ls"}))


@pytest.mark.parametrize("command", OTHERS)
@pytest.mark.parametrize("tool", ["Bash", "shell", "execute_command", "run_shell_command", "functions.exec", "mcp__x__terminal"])
def test_commands_that_do_not(tool: str, command: str) -> None:
    assert not is_file_read(part(tool, {"cmd": command, "description": "cat a.py"}))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"command": ["bash", "-lc", "pytest -q"]}, False),
        ({"command": ["bash", "-lc", "cat a.py"]}, True),
        ({"command": ["cat", "a.py"]}, True),
        ({"action": {"command": ["ls"], "timeout_ms": 1000}}, False),
        ({"cmd": "cat a.py", "workdir": "/"}, True),
        ("make", False),
        ("cat a.py", True),
        (None, True),
        ({}, True),
        ({"timeout": 3}, True),
        ([["cat", "a.py"]], True),
    ],
)
def test_command_lines_stand_in_different_places(call: Json, expected: bool) -> None:
    assert is_file_read(part("shell", call)) is expected


@pytest.mark.parametrize(("tool", "call", "expected"), [
    ("mcp__linear__list_issues", {"team": "core"}, False),
    ("mcp__postgres__query", {"sql": "select 1"}, False),
    ("mcp__browser__snapshot", {}, False),
    ("getWeather", {"city": "Graz"}, False),
    ("who_knows", None, False),
    ("mcp__postgres__query", {"file": "a.sql"}, True),
    ("mcp__x__query", {"relative_path": "a.py"}, True),
    ("mcp__x__query", {"path": "run.log"}, False),
    ("mcp__github__get_file_contents", {}, True),
    ("mcp__serena__find_symbol", {"name": "x"}, True),
    ("mcp__x__fetch", {"paths": ["a.py", "b.py"]}, True),
    ("mcp__x__fetch", {"paths": ["run.log"]}, False),
    ("mcp__x__fetch", {"targetFile": "a.py"}, True),
    ("mcp__x__fetch", {"absolutePath": "/a.py"}, True),
    ("mcp__x__fetch", {"requests": [{"path": "a.py"}]}, True),
    ("mcp__x__fetch", {"url": "file:///a.py"}, True),
    ("mcp__x__fetch", {"url": "https://example.org/a.py", "profile": "x"}, False),
    ("python", {"code": "print(open('a.md').read())"}, True),
    ("python", {"code": "print(table.head())"}, False),
    ("js_repl", {"code": "console.log(fs.readFileSync('a.js', 'utf8'))"}, True),
    ("mcp__x__start_process", {"cmdline": "cat a.py"}, True),
    ("getSourceCode", {}, True),
    ("tool1", {}, False),
    ("17", {}, True),
])
def test_other_tools_are_told_by_their_words_and_their_input(tool: str, call: Json, expected: bool) -> None:
    assert is_file_read(part(tool, call)) is expected


@pytest.mark.parametrize(("tool", "call", "expected"), [
    ("Grep", {"pattern": "x"}, True), ("mcp__files__search_files", {}, True), ("Read", {}, False), ("Bash", {}, False),
    ("Bash", {"command": "grep -rn x src | head -200"}, True), ("Bash", {"command": "git diff HEAD~3"}, True), ("Bash", {"command": "git log -p -3"}, True),
    ("Bash", {"command": "git show abc123"}, True), ("Bash", {"command": "git show HEAD:a.py"}, False), ("Bash", {"command": "git blame a.py"}, False),
    ("Bash", {"command": "grep -n -A40 'def x' a.py"}, False), ("Bash", {"command": "grep -rn -C2 x ."}, True), ("Bash", {"command": "rg x; cat a.py"}, False),
    ("shell", {"command": ["bash", "-lc", "rg -n x"]}, True),
])
def test_searches_and_diffs_are_excerpts(tool: str, call: Json, expected: bool) -> None:
    assert is_excerpt(part(tool, call)) is expected


@pytest.mark.parametrize("tool", ["LS", "Glob", "list_directory", "mcp__files__list_files", "WebSearch", "web_fetch", "google_web_search", "run_tests"])
def test_tools_that_show_no_files(tool: str) -> None:
    assert not is_file_read(part(tool, {"path": "cat a.py"}))


@pytest.mark.parametrize("tool", ["", "Read", "view", "str_replace_based_edit_tool", "get_file_contents", "Grep", "Edit", "NotebookRead", "who_knows"])
def test_other_tools_may(tool: str) -> None:
    assert is_file_read(part(tool, {"path": "x"}))


@pytest.mark.parametrize("text", ["     1\timport os\n     2\t", "head\n  12→x", "L1: x", "00001| x", "   3 │ x"])
def test_numbered_lines_are_a_file_whoever_shows_them(text: str) -> None:
    assert is_file_read(part("Bash", {"command": "./show"}, text)) is (not text.startswith("L1: "))


@pytest.mark.parametrize(("tool", "call", "expected"), [
    ("headroom_retrieve", {"key": "x"}, True), ("mcp__headroom__headroom_retrieve", None, True), ("headroom.headroom_compress", {}, True),
    ("headroom_stats", {}, False), ("headroom_retrieve_all", {}, False),
    ("Bash", {"command": "headroom retrieve 0123 --lines 1-9"}, True), ("shell", {"command": ["bash", "-lc", "/opt/bin/headroom  retrieve 0123 | head"]}, True),
    ("exec_command", {"cmd": "python3 -m headroom retrieve 0123"}, True), ("Bash", {"command": "headroom stats; ls"}, False),
    ("Grep", {"pattern": "headroom retrieve"}, False), ("Bash", None, False),
])
def test_originals_that_were_asked_for(tool: str, call: Json, expected: bool) -> None:
    assert is_retrieved(part(tool, call)) is expected


@settings(deadline=None, max_examples=100)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)))
def test_any_input_has_an_answer(call: Json) -> None:
    assert is_file_read(part("Bash", call)) in (True, False)
