"""The kinds of text that the benchmarks measure: the corpus' files, texts made at run time, and what is aimed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import texts
from headroom.conversation import Part

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Kind:
    """Texts of one kind. Aims are shares of the tokens saved, µs a KB; None where there is none."""

    name: str
    files: Sequence[str] = ()
    """Of the corpus."""
    fresh: Sequence[texts.Make] = ()
    """Made at run time."""
    lossless: float | None = None
    lossy: float | None = None
    speed: float | None = None
    read: bool = False
    """A file as it was read: nothing less than exact."""
    outline: bool = False
    """Measured with --code-aware and --intercept-tool-results."""
    command: str = "make"
    """Printed them."""
    file: str = "a.py"
    """Name of the file that was read."""

    def part(self, text: str) -> Part:
        if self.read:
            return Part("tool", text, ("text",), "Read", {"file_path": f"/srv/app/{self.file}"})
        return Part("tool", text, ("text",), "Bash", {"command": self.command})


KINDS: Sequence[Kind] = (
    Kind("logs", ("nginx_access", "nginx_error", "redis_log", "postgres_log", "http_server", "service_log", "dpkg_log"), (texts.service_log,), 0.51, 0.88, 125),
    Kind("uniform JSON", ("issues_json", "issues_min_json", "measurements_json", "git_log_json"), (texts.orders_json,), 0.48, None, 40),
    Kind("large JSON arrays", (), (texts.many_orders,), 0.48, 0.90, 125),
    Kind("keyed map", ("npm_ls_json",), (texts.keyed_map,), 0.50, None, 40),
    Kind("JSON lines", ("orders_ndjson", "service_jsonl"), (), None, None, 40),
    Kind("CSV of records", ("orders_csv", "measurements_tsv"), (texts.orders_csv,), 0.60, None, 125),
    Kind("large CSV of records", (), (texts.many_orders_csv,), None, 0.90, 125),
    Kind("Markdown and psql tables", (), (texts.markdown_table, texts.psql_table), None, None, 125),
    Kind("grep", ("grep_rn", "grep_r", "rg", "rg_heading", "rg_columns", "grep_context"), (texts.grep,), 0.42, None, 40, command="grep -rn x ."),
    Kind("find", ("find",), (texts.find,), 0.80, None, 40),
    Kind("ls -l", ("ls_la", "ls_laR", "ls_dates"), (texts.listing,), 0.50, None, 40),
    Kind("trees", ("tree", "du", "find_ls", "npm_ls"), (), None, None, 40),
    Kind("numbered reads", ("cat_n_arrow", "cat_n_css", "cat_n_js", "cat_n_json", "cat_n_md", "cat_n_py", "cat_n_py_h11", "cat_n_py_range", "cat_n_rs", "cat_n_toml", "cat_n_ts"), (texts.numbered,), 0.22, None, 40, read=True),
    Kind("git log", ("git_log", "git_log_stat", "git_log_oneline"), (texts.history,), 0.09, None, 40, command="git log"),
    Kind("git, other", ("git_blame", "git_status", "git_ls_files", "git_diff_stat"), (), None, None, 40),
    Kind("diffs", ("git_diff", "git_show", "git_log_patch"), (texts.changes,), 0.08, None, 40, command="git diff"),
    Kind("lockfile diffs", (), (texts.lockfile_diff,), None, 0.99, 40, command="git diff"),
    Kind("environments", ("environment",), (), None, None, 125),
    Kind("columns", ("ps_aux", "df", "dpkg_l", "pip_list", "psql", "wc", "stat"), (), None, None, 40),
    Kind("test runs", ("pytest_v", "pytest_fail", "unittest_v"), (texts.verbose_tests,), None, 0.50, 40),
    Kind("builds and installs", ("cargo_build", "pip_install", "npm_install", "python_v"), (), None, None, 40),
    Kind("tracebacks", ("traceback_py", "traceback_java", "traceback_js"), (), None, None, 40),
    Kind("HTML", ("pydoc_html",), (texts.page,), None, 0.74, 40),
    Kind("blobs", ("base64", "js_minified"), (), None, None, 40),
    Kind("prose", ("news", "rst", "changelog_md", "pydoc_text"), (), None, None, 125),
    Kind("Python outlines", ("py_asyncio", "py_django"), (texts.source,), None, 0.65, 200, read=True, outline=True),
    Kind("Rust outlines", ("rs_plain",), (), None, 0.55, 200, read=True, outline=True, file="a.rs"),
    Kind("TypeScript declarations", ("ts_types",), (), None, None, 400, read=True, outline=True, file="a.ts"),
    Kind("TypeScript outlines", ("ts_module", "tsx_component"), (), None, 0.40, 400, read=True, outline=True, file="a.tsx"),
)


def corpus(name: str) -> str:
    return (CORPUS / f"{name}.txt").read_text(encoding="utf-8")
