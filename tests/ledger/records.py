"""Records for the tests of the ledger."""

from __future__ import annotations

from hypothesis import strategies as st

from headroom.conversation import Edit, Report, Usage
from headroom.record import Cost, PromptCache, Record

MONDAY = 1_795_392_000
"""2026-11-23, 00:00 UTC."""


def record(id: str = "r", ts: float = MONDAY, *, model: str = "m", project: str = "", tools: tuple[str, ...] = (), spent: int = 0, saved: int = 0) -> Record:
    edits = tuple(Edit("logs", tool, "a secret original", "s", "lossy", 100, 40) for tool in tools)
    return Record(
        ts=ts, request_id=id, provider="anthropic", dialect="anthropic", model=model, path="/v1/messages", stream=False, status=200,
        report=Report(1000, 1000 - 60 * len(tools), edits), tokens_before=1000, tokens_after=1000 - 60 * len(tools),
        usage=Usage(700, 50, 200, 40), cost=Cost(spent, saved, dict.fromkeys(tools, 10)),
        project=project, client="claude-cli/2.1.0 (external, cli)", prompt_cache=PromptCache(cause="hit"),
    )


WORDS = st.sampled_from(["", "a", "b", "other", "größer", "x" * 300, "\ud800\n"])

RECORDS = st.builds(
    lambda n, ts, model, project, tools, spent, saved: record(f"{n}", ts, model=model, project=project, tools=tuple(tools), spent=spent, saved=saved),
    st.integers(0, 40), st.integers(MONDAY - 20 * 86400, MONDAY), WORDS, WORDS, st.lists(WORDS, max_size=3), st.integers(0, 10**12), st.integers(-(10**12), 10**12),
)
