"""One example text a compressor, from which docs/COMPRESSORS.md is made."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bench import texts
from bench.kinds import corpus
from headroom.compressors import COMPRESSORS
from headroom.compressors.base import Compressor, Goal
from headroom.tokens import estimate

SEED = 1
LINES, WIDTH = 7, 110
"""Of an example that are shown; forms get two lines more, since they begin with words."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text, as a tool prints it."""

    make: Callable[[], str]
    tool: str = "Bash"
    query: str = ""


def from_corpus(name: str) -> Callable[[], str]:
    return lambda: corpus(name)


def made(make: texts.Make) -> Callable[[], str]:
    return lambda: make(random.Random(SEED))


EXAMPLES: Mapping[str, Example] = {
    "reads": Example(from_corpus("cat_n_py"), "Read"),
    "listings": Example(from_corpus("ls_la")),
    "trees": Example(from_corpus("tree")),
    "paths": Example(from_corpus("find")),
    "search": Example(from_corpus("grep_rn"), "Grep"),
    "environment": Example(lambda: corpus("environment").replace("/home/", "/srv/")),
    "columns": Example(from_corpus("dpkg_l")),
    "records": Example(made(texts.orders_csv)),
    "json": Example(from_corpus("issues_json")),
    "logs": Example(from_corpus("nginx_access")),
    "git-log": Example(from_corpus("git_log_stat")),
    "diff": Example(from_corpus("git_log_patch")),
    "verdicts": Example(from_corpus("pytest_v")),
    "mixed": Example(lambda: f"$ ls -la\n{corpus('ls_la')}$ tail app.log\n{corpus('service_log')}"),
    "test-summary": Example(made(texts.verbose_tests)),
    "trace-summary": Example(made(texts.recursion)),
    "build-summary": Example(from_corpus("pip_install")),
    "diff-summary": Example(made(texts.lockfile_diff)),
    "search-summary": Example(made(texts.many_hits), query="where is the timeout applied?"),
    "html-text": Example(from_corpus("pydoc_html")),
    "json-sample": Example(made(texts.many_orders), query="which orders were shipped to Graz?"),
    "records-sample": Example(made(texts.many_orders_csv), query="which orders were shipped to Graz?"),
    "log-summary": Example(made(texts.service_log)),
    "blobs": Example(from_corpus("base64")),
    "prose-extract": Example(from_corpus("news"), query="what changed in asyncio task groups?"),
}


def cut(text: str, lines: int) -> Iterator[str]:
    shown = text.rstrip("\n").split("\n")
    for line in shown[:lines]:
        yield (line if len(line) <= WIDTH else line[: WIDTH - 1] + "…").replace("\t", "    ").rstrip()
    if len(shown) > lines:
        yield f"⋮   ({len(shown) - lines} more lines)"


def chapter(compressor: Compressor) -> str:
    """What a compressor says of itself, and what it makes of its example."""
    example = EXAMPLES[compressor.name]
    text = example.make()
    form = compressor.compress(text, Goal(example.tool, {"command": ""}, example.query))
    if form is None:
        raise SystemExit(f"{compressor.name} makes nothing of its example")
    before, after = estimate(text), estimate(form.text)
    left = f"Left out here: {form.omitted}. " if form.omitted else ""
    return "\n".join([
        f"### {compressor.name}: {form.grade}", "", inspect.cleandoc(type(compressor).__doc__ or ""), "",
        f"{left}{before:,} tokens become {after:,}: {100 * (1 - after / before):.1f} % saved (estimated).", "",
        "```text", *cut(text, LINES), "```", "", "becomes", "", "```text", *cut(form.text, LINES + 2), "```",
    ])


def chapters() -> str:
    """All compressors, in the order in which they stand: on a draw the earlier one wins."""
    lossless, lossy = ([chapter(c) for c in COMPRESSORS if c.lossy is which] for which in (False, True))
    return "\n\n".join([
        "## Without loss", *lossless, "## With a way back", *lossy,
    ])
