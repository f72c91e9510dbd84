"""Records the sessions that `headroom demo` plays: real clients on a scratch repository, against the scripted model.

    python bench/record_sessions.py OUT

Needs root, for namespaces in which the clients see /srv/app, a user called dev and no network, and an
interpreter that has the SDKs. What is ours to ship is kept (what clients add turn by turn, real tool output); a
client's own words are replaced (see neutral_words), and every body is first rebuilt byte for byte as a proof.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from socket import gethostname

import anyio

sys.path[:0] = [str(Path(__file__).parents[1])]

from bench import recording_scripts as scripts  # noqa: E402  # this script may be run by its path
from bench.neutral_words import described, prose, reminders  # noqa: E402
from bench.scratch_repository import build  # noqa: E402
from bench.sdk_agents import INSTRUCTIONS, chat_agent, gemini_agent  # noqa: E402
from headroom.conversation import Json  # noqa: E402
from headroom.demo.model import Kept, Model  # noqa: E402
from headroom.demo.script import Scripts  # noqa: E402
from headroom.demo.serving import application, serving  # noqa: E402
from headroom.demo.session import SEAL, SEALED, Session, Turn, body, save  # noqa: E402
from tests.live.lab import CLAUDE_CODE, CODEX, Ended, Place, client, folder, run_claude_code, run_codex  # noqa: E402

APP, HOME, VENV, CLIENTS = (Path("/srv") / name for name in ("app", "home", "venv", "clients"))

STAGE = """
set -eu
ip link set lo up; hostname build
mount -t tmpfs none /srv; mkdir /srv/app /srv/home /srv/venv /srv/clients /srv/etc
sed 's/^root:/dev:/' /etc/passwd > /srv/etc/passwd; sed 's/^root:/dev:/' /etc/group > /srv/etc/group
mount --bind /srv/etc/passwd /etc/passwd; mount --bind /srv/etc/group /etc/group
mount --bind "$1" /srv/venv; mount --bind "$2" /srv/clients; shift 2
exec "$@"
"""

NEUTRAL_ID = "0a0b0c0d-0000-4000-8000-{:012d}"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{64}\b")
AGENT = ('"/root"', '"/agent"')
"""What Codex calls its first agent; it only looks like a path of ours."""

FOREIGN = re.compile(rf"(?<!<){re.escape(str(Path.home()))}\b|/tmp/\S+|{re.escape(str(Path.cwd()))}\b|/home/\S+|\b{re.escape(gethostname())}\b")
"""What would tell of the machine that recorded."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One recording."""

    name: str
    about: str
    scripts: Scripts
    client: str
    items: str
    drive: Callable[[str], Awaitable[None]]
    """Given the base URL, run the client to its end."""
    marked: bool = False


async def claude_code(url: str) -> None:
    program = client({"HEADROOM_TEST_CLIENTS": str(CLIENTS)}, CLAUDE_CODE, "claude")
    place = Place(HOME, APP)
    _fine(await run_claude_code(program, url, place, "Orders are sometimes taxed a cent too low. Find out why and fix it. [[script:tax]]"))
    _fine(await run_claude_code(program, url, place, "Does anything else depend on the tax table? [[script:followup]]", ["--continue"]))


async def codex(url: str) -> None:
    program = client({"HEADROOM_TEST_CLIENTS": str(CLIENTS)}, CODEX, "codex")
    place = Place(HOME, APP)
    _fine(await run_codex(program, url + "/v1", place, "Make the native build free of warnings, and tell me whether click is used. [[script:feed]]"))
    _fine(await run_codex(program, url + "/v1", place, "What is changed now? [[script:more]]", ["resume", "--last"]))


def _fine(ended: Ended) -> None:
    if ended.code:
        raise SystemExit(f"the client failed: {ended.output[-800:]} {ended.errors[-800:]}")


PLANS = (
    Plan("claude-code", "Claude Code finds and fixes a rounding error: parallel calls, a sub-agent, and a second prompt by --continue.",
         scripts.CLAUDE_CODE, CLAUDE_CODE.removeprefix("@anthropic-ai/"), "messages", claude_code, marked=True),
    Plan("codex", "Codex makes a C build free of warnings, then answers a second prompt after resuming.",
         scripts.CODEX, CODEX.removeprefix("@openai/"), "input", codex),
    Plan("openai-chat", "An agent on the OpenAI Python SDK, Chat Completions, reports on the state of a project.",
         scripts.CHAT, "openai-python", "messages", lambda url: anyio.to_thread.run_sync(chat_agent, url, APP)),
    Plan("gemini", "An agent on the Google Gen AI SDK looks for the cause of errors in a log.",
         scripts.GEMINI, "google-genai", "contents", lambda url: anyio.to_thread.run_sync(gemini_agent, url, APP)),
)


async def record(plan: Plan, out: Path) -> None:
    for path in (APP, HOME):
        for inside in path.iterdir():
            shutil.rmtree(inside) if inside.is_dir() else inside.unlink()
    build(APP)
    model = Model(plan.scripts)
    async with serving(application(model)) as url:
        await plan.drive(url)
    if model.refused:
        raise SystemExit(f"the model refused: {model.refused}")
    session = _session(plan, model.requests)
    data = save(session)
    (out / f"{plan.name}.json.gz").write_bytes(data)
    print(f"{plan.name:<12} {len(session.turns):>3} requests {len(session.heads)} threads {len(data):>7} bytes")


def _session(plan: Plan, requests: Sequence[Kept]) -> Session:
    said = [kept for kept in requests if kept.method == "POST" and kept.status == 200 and plan.items in json.loads(kept.body)
            and "count_tokens" not in kept.path and "[[script:" in kept.body.decode()]
    spaced = said[0].body.startswith(b'{"contents": ')
    session = Session(plan.name, plan.client, plan.about, said[0].target, _fields(said[0]), plan.items, plan.marked, spaced, (), (), plan.scripts)
    session = _threads(session, said)
    return _neutral(session)


def _threads(session: Session, said: Sequence[Kept]) -> Session:
    """Requests as turns; each must be rebuilt to the very bytes that came, marks and all."""
    names: list[bytes] = []
    held: list[list[Json]] = []
    heads: list[Json] = []
    turns: list[Turn] = []
    for kept in said:
        name = next((value for key, value in kept.fields if key == b"x-claude-code-agent-id"), b"")
        value = json.loads(kept.body)
        items = [_unmarked(item) for item in value[session.items]] if session.marked else value[session.items]
        if name not in names:
            names.append(name)
            held.append([])
            heads.append({**value, session.items: []})
        thread = names.index(name)
        keep = next((i for i, (a, b) in enumerate(zip(held[thread], items, strict=False)) if a != b), min(len(held[thread]), len(items)))
        if keep < len(held[thread]):
            print(f"  note: {len(held[thread]) - keep} items rewritten by the client", json.dumps(held[thread][keep])[:200], json.dumps(items[keep])[:200])
        rebuilt = body(replace(session, heads=({**value, session.items: []},)), 0, items)
        if rebuilt != kept.body:
            print("  note: a body is not rebuilt byte for byte", _difference(rebuilt, kept.body))
        turns.append(Turn(thread, keep, tuple(items[keep:])))
        held[thread] = items
    return replace(session, heads=tuple(heads), turns=tuple(turns))


def _difference(one: bytes, other: bytes) -> str:
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"{one[max(0, at - 60) : at + 80]!r} {other[max(0, at - 60) : at + 80]!r}"


def _unmarked(message: Json) -> Json:
    """The message without cache marks; a lone text block that had one goes back to being a string."""
    content = message["content"]
    if isinstance(content, str):
        return message
    bare = [{key: value for key, value in block.items() if key != "cache_control"} for block in content]
    lone = len(content) == 1 and "cache_control" in content[0] and content[0].get("type") == "text"
    return {**message, "content": bare[0]["text"] if lone else bare}


def _neutral(session: Session) -> Session:
    known: dict[str, str] = {}

    def scrub(value: Json) -> Json:
        if isinstance(value, str):
            text = value.replace(*AGENT)
            text = UUID.sub(lambda found: known.setdefault(found[0], NEUTRAL_ID.format(len(known) + 1)[: len(found[0])]), text)
            if FOREIGN.search(text):
                print("  note: tells of this machine:", *(text[max(0, found.start() - 60) : found.end() + 40] for found in FOREIGN.finditer(text)))
            return text
        if isinstance(value, Mapping):
            return {key: SEAL if _is_seal(value, key) else scrub(inner) for key, inner in value.items()}
        return [scrub(inner) for inner in value] if isinstance(value, list) else value

    heads = tuple(scrub(_neutral_head(head)) for head in session.heads)
    turns = tuple(replace(turn, add=tuple(scrub(_neutral_item(item)) for item in turn.add)) for turn in session.turns)
    return replace(session, heads=heads, turns=turns)


def _is_seal(holder: Mapping[str, Json], key: str) -> bool:
    return key in SEALED and isinstance(holder[key], str) and (key != "data" or holder.get("type") == "redacted_thinking")


def _neutral_head(head: Mapping[str, Json]) -> Json:
    """Instructions and tool descriptions in our own words; what agents of ours say is ours already."""
    value = dict(head)
    if isinstance(value.get("system"), list):
        value["system"] = [{**block, "text": prose("working on a project", len(block["text"]))} for block in value["system"]]
    if value.get("instructions"):
        value["instructions"] = prose("working on a project", len(value["instructions"]))
    if "tools" in value:
        value["tools"] = described(value["tools"])
    return value


def _neutral_item(item: Mapping[str, Json]) -> Json:
    if item.get("role") in ("system", "developer") and item.get("content") != INSTRUCTIONS:
        return _reworded(item, lambda text: prose("this session", len(text)))
    return _reworded(item, reminders)


def _reworded(item: Json, change: Callable[[str], str]) -> Json:
    """Every text of an item changed; names, ids and calls stay."""
    if isinstance(item, Mapping):
        return {
            key: change(inner) if key in ("text", "content", "output") and isinstance(inner, str)
            else _reworded(inner, change) if key in ("content", "output", "parts", "functionResponse", "response") else inner
            for key, inner in item.items()
        }
    return [_reworded(inner, change) for inner in item] if isinstance(item, list) else item


def _fields(kept: Kept) -> Mapping[str, str]:
    """The header fields that say what the client can do; nothing that names it or us."""
    wanted = ("accept", "accept-encoding", "anthropic-beta", "anthropic-version", "content-type")
    return dict(_wanted(kept, wanted))


def _wanted(kept: Kept, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for key, value in kept.fields:
        if key.decode("latin-1") in names:
            yield key.decode("latin-1"), value.decode("latin-1")


def main() -> None:
    if len(sys.argv) == 2:
        out = str(Path(sys.argv[1]).resolve())
        stage = ["unshare", "-n", "-m", "-u", "bash", "-c", STAGE, "stage", sys.prefix, str(folder(os.environ))]
        raise SystemExit(subprocess.run([*stage, str(VENV / "bin" / "python"), __file__, out, "staged"], check=False).returncode)
    os.environ["PATH"] = f"{VENV}/bin:/usr/bin:/bin"  # what the clients' shells find
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # a scratch repository without caches
    for plan in PLANS:
        anyio.run(record, plan, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
