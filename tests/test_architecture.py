"""The house rules of the architecture, as far as a machine can check them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "headroom"

# Lowest floor first. A module may import its own family and any lower floor.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "memo", "lru", "traces"}),
    frozenset({"options", "conversation", "mode"}),
    frozenset({"prefix"}),
    frozenset({"settings", "tokens", "prices", "record", "redaction", "signature", "patterns", "chain"}),
    frozenset({"metrics", "totals", "bucket", "budget", "cacheguard"}),
    frozenset({"compressors", "dialects", "ccr", "cost"}),
    frozenset({"transforms", "retrieval", "weaving", "positions"}),
    frozenset({"fitting", "replaying"}),
    frozenset({"pipeline"}),
    frozenset({"__init__"}),
    # Below here nothing touches the world; here and above may.
    frozenset({"http", "stores", "vocabulary"}),
    frozenset({"sent", "requestlog", "pricefile", "ledger"}),
    frozenset({"layers", "learning"}),
    frozenset({"proxy", "demo", "agents"}),
    frozenset({"audit"}),
    frozenset({"proxy.server", "mcp"}),
    frozenset({"cli"}),
    frozenset({"__main__"}),
)
PURITY_LINE = next(i for i, floor in enumerate(FLOORS) if "http" in floor)
PURE = frozenset().union(*FLOORS[:PURITY_LINE])
WORLD = {"anyio", "asyncio", "trio", "h11", "os", "socket", "ssl", "sqlite3", "time", "random", "secrets", "threading",
         "subprocess", "pathlib", "shutil", "tempfile", "urllib", "http", "logging", "signal", "importlib"}

MAX_LINES, MEDIAN_LINES, MAX_FUNCTION, MAX_PARAMETERS = 400, 200, 60, 6

# Broad `except Exception` is a policy; these are the places whose policy it is.
BROAD_EXCEPT = {"pipeline.py", "proxy/refitting.py", "layers/rescue.py", "requestlog.py", "http/connection.py"}
# Only these may see Settings.
SEES_SETTINGS = {"settings.py", "__init__.py", "proxy/choices.py", "proxy/server.py"}

FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def family(module: str) -> str:
    """"proxy/routes" → "proxy"; the composition root has a floor of its own."""
    parts = module.removesuffix(".py").split("/")
    return "proxy.server" if parts[:2] == ["proxy", "server"] else parts[0]


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(name: str) -> int:
    found = [i for i, names in enumerate(FLOORS) if name in names]
    assert found, f"{name} stands on no floor: add it to FLOORS"
    return found[0]


def target(imported: str) -> str:
    """The family an import reaches; `from headroom import x` may be a module or a name of the package."""
    parts = imported.split(".")[1:]
    if not parts:
        return "__init__"
    if parts[:2] == ["proxy", "server"]:
        return "proxy.server"
    known = {family(name_of(p)) for p in FILES}
    return parts[0] if parts[0] in known else "__init__"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    here = family(name_of(path))
    for imported in imports(TREES[path]):
        if imported.split(".")[0] == "headroom":
            there = target(imported)
            assert there == here or floor(there) < floor(here), f"{name_of(path)} imports {imported}"


@pytest.mark.parametrize("path", [p for p in FILES if family(name_of(p)) in PURE], ids=name_of)
def test_below_the_purity_line_nothing_touches_the_world(path: Path) -> None:
    assert not WORLD & {i.split(".")[0] for i in imports(TREES[path])}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_modules_open_with_their_role_and_stay_readable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(TREES[path]), "the first sentence of a module says what it is for"
    assert len(text.splitlines()) <= MAX_LINES


def test_the_median_module_is_short() -> None:
    assert median(len(p.read_text(encoding="utf-8").splitlines()) for p in FILES) <= MEDIAN_LINES


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions_fit_on_a_page(path: Path) -> None:
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < MAX_FUNCTION, node.name
            count = len(node.args.posonlyargs + node.args.args + node.args.kwonlyargs)
            takes_self = bool(node.args.args) and node.args.args[0].arg in ("self", "cls")
            assert count - takes_self <= MAX_PARAMETERS, node.name


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_broad_excepts_stand_only_where_they_are_the_policy(path: Path) -> None:
    broad = [
        node.lineno for node in ast.walk(TREES[path])
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
        and not any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
    ]
    assert not broad or name_of(path) in BROAD_EXCEPT, f"lines {broad}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_composition_root_sees_the_settings(path: Path) -> None:
    sees = any(i.startswith("headroom.settings") for i in imports(TREES[path]))
    name = name_of(path)
    assert not sees or name in SEES_SETTINGS or name.startswith("cli/"), "pass it what it needs instead"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_names_are_the_fields_words(path: Path) -> None:
    assert not re.search(r"util|helper|common|manager|mixin|misc", name_of(path))


def test_every_pure_module_has_its_own_test_file() -> None:
    tests = {p.relative_to(ROOT / "tests").as_posix() for p in (ROOT / "tests").rglob("test_*.py")}
    missing = [
        name for path in FILES
        if family(name := name_of(path)) in PURE and not name.endswith(("__init__.py", "base.py"))
        and re.sub(r"([^/]+)$", r"test_\1", name) not in tests
    ]
    assert not missing


def test_nothing_knows_the_machine_it_was_built_on() -> None:
    ours = [*FILES, *(ROOT / "bench").glob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "Makefile", ROOT / ".ci" / "run"]
    for path in ours:
        assert not re.search(r"(?<![\w.<])/(?:root|home|Users)/\w", path.read_text(encoding="utf-8")), path
