"""What the scripted model asks of each client while a session is recorded: one believable day of work on the scratch repository."""

from __future__ import annotations

from headroom.demo.script import Call, Scripts, Step

ROOT = "/srv/app"
FIX_OLD = "    return cents + cents * TAX[country] // 100"
FIX_NEW = "    return cents + (cents * TAX[country] + 50) // 100"

TESTS = "python -m pytest -v -p no:cacheprovider 2>&1 | tail -n 300"
MAKE = "make -C native clean libfeed.a 2>&1"
ERRORS = "grep -n -A 8 ' ERROR ' logs/service.log | head -n 160"
JSON_BY_STATUS = "python -c \"import json; rows = json.load(open('data/orders.json'))['orders']; print(json.dumps(rows[:60]))\""


def _bash(command: str, why: str) -> Call:
    return Call("Bash", {"command": command, "description": why})


def _read(name: str, offset: int = 0, limit: int = 0) -> Call:
    bounds = {"offset": offset, "limit": limit} if limit else {}
    return Call("Read", {"file_path": f"{ROOT}/{name}", **bounds})


CLAUDE_CODE: Scripts = {
    "tax": (
        Step(
            thinking="Some tax amounts come out a cent too low. First I want to see how the project is laid out and what "
            "changed lately, then find the code that rounds. I should look before I touch anything.",
            text="I'll look at the layout and the recent history first.",
            calls=(_bash("ls -la", "List the project"), _bash("git log --stat -n 25", "Recent history")),
        ),
        Step(calls=(_bash("find . -name '*.py' -not -path './.git/*' | sort | xargs ls -l", "All Python files"),)),
        Step(
            text="The service is small; the rest is vendored.",
            calls=(_read("orders/pricing.py"), _read("tests/test_pricing.py"), _read("orders/ledger.py")),
        ),
        Step(
            thinking="gross() uses floor division, so 50 cents at 19 % gives 59 instead of 60. The docstring says half "
            "up. Before I change it I want the failing tests on record, to be sure that this is the only cause.",
            calls=(_bash(TESTS, "Run the tests"),),
        ),
        Step(
            calls=(
                _bash("grep -rn '// 100' --include=*.py . | head -n 100", "Other floor divisions"),
                _bash("grep -rn 'raise ' vendor/anyio vendor/h11 --include=*.py | head -n 220", "How vendored code reports errors"),
            ),
        ),
        Step(
            thinking="Only pricing.py has the pattern. The staging log may show whether customers were affected, and by "
            "which countries; let me look at it together with the orders.",
            redacted=True,
            calls=(_bash("tail -n 230 logs/service.log", "What staging logged"),),
        ),
        Step(calls=(_bash("cat data/orders.json | head -n 1100", "The sample orders"),)),
        Step(
            text="The fix is one line.",
            calls=(Call("Edit", {"file_path": f"{ROOT}/orders/pricing.py", "old_string": FIX_OLD, "new_string": FIX_NEW, "replace_all": False}),),
        ),
        Step(calls=(_bash("git diff", "The change"), _bash("python -m pytest -q -p no:cacheprovider 2>&1", "Run the tests again"))),
        Step(
            text="The tests pass. I'll let a second agent check how the vendored HTTP parser reports errors.",
            calls=(
                Call("Agent", {
                    "description": "Survey h11 errors", "subagent_type": "general-purpose",
                    "prompt": "Find out where vendor/h11 raises protocol errors and report the functions. [[script:survey]]",
                }),
            ),
        ),
        Step(
            thinking="The sub-agent confirms that errors carry a status hint. Now the build: the C checksums must still "
            "compile without new warnings.",
            calls=(_bash(MAKE, "Build the checksums"),),
        ),
        Step(calls=(_bash(ERRORS, "Errors with their tracebacks"), _bash("ls -lR vendor", "Everything vendored"))),
        Step(calls=(_read("vendor/click/core.py", 1, 420), _bash("git log --oneline -n 80", "Short history"))),
        Step(
            thinking="KeyError for AT, BE and CH: those countries have no tax rate. That is a separate finding which I "
            "should report rather than fix on my own.",
            text="Fixed: `gross` now rounds half up, and all tests pass. Separately, staging logs show KeyError for the "
            "countries AT, BE and CH, which have no tax rate yet.",
        ),
    ),
    "survey": (
        Step(
            thinking="I am asked where h11 raises protocol errors. A search first, then the connection module.",
            text="Searching the parser.",
            calls=(_bash("grep -rn 'ProtocolError' vendor/h11", "Where errors are raised"), _bash("wc -l vendor/h11/*.py", "Sizes")),
        ),
        Step(calls=(_read("vendor/h11/_connection.py", 60, 380),)),
        Step(text="Report: _connection.py raises LocalProtocolError in send() and RemoteProtocolError in next_event(), both with error_status_hint."),
    ),
    "followup": (
        Step(
            thinking="The question is what else depends on the tax table. The ledger does not; let me make sure, and look "
            "at the state of the work tree.",
            text="Checking what else uses the table.",
            calls=(_bash("git status --short && git show --stat HEAD~30", "State of the work"), _bash("grep -rn 'TAX\\|gross' --include=*.py orders tests", "Uses of the table")),
        ),
        Step(calls=(_read("vendor/h11/_readers.py"), _bash(JSON_BY_STATUS, "Orders, compact"))),
        Step(text="Nothing else depends on it: only `gross` reads the table. The change is ready to commit."),
    ),
}


def _exec(command: str) -> Call:
    return Call("exec_command", {"cmd": command, "max_output_tokens": 12_000})


CODEX: Scripts = {
    "feed": (
        Step(
            thinking="**Looking around**\n\nThe task is about the feed checksums. I'll see the layout and history first.",
            text="I'll start with the layout and the history.",
            calls=(_exec("ls -la && ls native | head -n 60"), _exec("git log --stat -n 20")),
        ),
        Step(calls=(_exec(MAKE),)),
        Step(
            thinking="**Reading a source**\n\nTwo kinds of warnings: an unused variable and a signed comparison. One file shows both.",
            calls=(_exec("sed -n 1,40p native/feed_01.c"), _exec("grep -n 'strlen' native/*.c")),
        ),
        Step(calls=(_exec("python -m pytest -v -p no:cacheprovider 2>&1 | tail -n 200"),)),
        Step(calls=(_exec("cat logs/service.log | tail -n 180"), _exec("cat orders/pricing.py orders/ledger.py"))),
        Step(
            thinking="**Checking the data**\n\nThe feed is made from these orders; I want to see the shape.",
            calls=(_exec("head -n 620 data/orders.json"),),
        ),
        Step(calls=(_exec("sed -i 's/int i = 0; i < strlen(data)/size_t i = 0; i < strlen(data)/; /unused_/d' native/feed_*.c && git diff"),)),
        Step(calls=(_exec(MAKE), _exec("git diff --stat"))),
        Step(
            thinking="**Vendored code**\n\nThe question also was whether click is used anywhere in the service.",
            calls=(_exec("grep -rn 'import' orders vendor/click --include=*.py | head -n 160"), _exec("find vendor -type f | sort")),
        ),
        Step(calls=(_exec("sed -n 1,260p vendor/click/types.py"),)),
        Step(calls=(_exec("git log --oneline -n 60"),)),
        Step(text="The build is clean: the comparison is now on size_t and the unused variable is gone in all 24 files. click is not used by the service."),
    ),
    "more": (
        Step(thinking="**Status**\n\nOnly the state of the tree is asked for.", calls=(_exec("git status --short"),)),
        Step(text="24 files under native/ are modified, nothing else."),
    ),
}


def _shell(command: str) -> Call:
    return Call("shell", {"command": command})


CHAT: Scripts = {
    "report": (
        Step(text="Let me see what is there.", calls=(_shell("ls -la . orders tests data logs"), _shell("git log --oneline -n 70"))),
        Step(calls=(_shell("cat data/orders.json | head -n 900"),)),
        Step(calls=(_shell(ERRORS), _shell("tail -n 200 logs/service.log"))),
        Step(text="Now the code that prices.", calls=(Call("read_file", {"path": "orders/pricing.py"}), Call("read_file", {"path": "vendor/h11/_state.py"}))),
        Step(calls=(_shell("grep -rn 'def ' vendor/anyio --include=*.py | head -n 220"),)),
        Step(calls=(_shell(TESTS),)),
        Step(calls=(_shell("find vendor -name '*.py' | sort | xargs ls -l"),)),
        Step(calls=(_shell(MAKE),)),
        Step(calls=(_shell("git log --stat -n 12"), _shell(JSON_BY_STATUS))),
        Step(text="Report: four rounding tests fail, three countries have no tax rate, and the C build has 48 warnings."),
    ),
}

GEMINI: Scripts = {
    "triage": (
        Step(text="I will look at the log first.", calls=(_shell("tail -n 210 logs/service.log"), _shell("ls -la logs data"))),
        Step(calls=(_shell(ERRORS),)),
        Step(calls=(_shell("grep -rn 'TAX' --include=*.py ."), Call("read_file", {"path": "orders/pricing.py"}))),
        Step(calls=(_shell("head -n 700 data/orders.json"),)),
        Step(calls=(_shell("git log --stat -n 18"),)),
        Step(calls=(Call("read_file", {"path": "vendor/h11/_headers.py"}), _shell("find . -path ./.git -prune -o -type f -print | sort"))),
        Step(calls=(_shell("python -m pytest -v -p no:cacheprovider 2>&1 | tail -n 180"),)),
        Step(text="Triage: the 500s come from countries without a tax rate; the failing tests are a rounding error in gross()."),
    ),
}
