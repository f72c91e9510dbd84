"""Turn a frozen dataclass of options into a command line, an environment, a --help and a table.

Each field of the class is one option, declared once with `option(...)`. Everything here is a
function of that class and of the arguments and environment it is handed; nothing reads `os.environ`.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, Generic, NoReturn, Protocol, TypeVar, get_type_hints

from headroom.errors import SettingsError

PREFIX = "HEADROOM_"
TRUTH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False, "": False}


class Table(Protocol):
    """Any dataclass whose fields were made by `option`."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


T = TypeVar("T", bound=Table)


@dataclass(frozen=True, slots=True)
class Spec:
    """What an option is, apart from its name, type and default."""

    help: str
    group: str
    env: str
    """Its environment variable; "" if it has none."""
    flag: bool
    """False for what must not appear in a process list, such as secrets."""
    short: str
    metavar: str
    parse: Callable[[str], Any] | None
    show: Callable[[Any], str]
    secret: bool


def option(
    default: Any, help: str, *, group: str, env: str | None = None, flag: bool = True, **more: Any
) -> Any:
    """Declare an option. `env` None derives HEADROOM_NAME; "" means that there is none."""
    spec = Spec(
        help=help, group=group, env="" if env is None else env, flag=flag, short=more.pop("short", ""),
        metavar=more.pop("metavar", ""), parse=more.pop("parse", None), show=more.pop("show", plain),
        secret=more.pop("secret", False),
    )
    assert not more, more
    return field(default=default, metadata={"spec": spec, "derive": env is None})


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """Settings, where each value came from ("option", "environment", "default"), and what looks wrong."""

    settings: T
    sources: Mapping[str, str]
    warnings: tuple[str, ...]


def load(cls: type[T], argv: Sequence[str], environ: Mapping[str, str], prog: str = "headroom proxy") -> Loaded[T]:
    """The command line wins over the environment, which wins over the default. Raises SettingsError."""
    given = vars(parser(cls, prog).parse_args(argv))
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for f in fields(cls):
        name, text = variable(f), None
        if given.get(f.name) is not None:
            values[f.name], sources[f.name] = given[f.name], "option"
        elif name and (text := environ.get(name)) is not None and (text or _kind(cls, f) is bool):
            values[f.name], sources[f.name] = _convert(_kind(cls, f), text, f), "environment"
        else:
            sources[f.name] = "default"
    return Loaded(cls(**values), sources, unknown(cls, environ))


def unknown(cls: type[Table], environ: Mapping[str, str]) -> tuple[str, ...]:
    """A warning for each HEADROOM_* name that no option reads, with the nearest one that exists."""
    known = [variable(f) for f in fields(cls) if variable(f)]
    warnings = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            # Compared without the prefix that all share, or everything would look alike.
            near = difflib.get_close_matches(name[len(PREFIX):], [k.removeprefix(PREFIX) for k in known], 1)
            meant = next((f"; did you mean {k}?" for k in known if near and k.removeprefix(PREFIX) == near[0]), "")
            warnings.append(f"{name} is not a setting{meant}")
    return tuple(warnings)


class _Parser(argparse.ArgumentParser):
    """argparse prints its whole usage before what was wrong; thirty options would bury it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message.removeprefix('argument ')}; see {self.prog} --help\n")


def parser(cls: type[Table], prog: str) -> argparse.ArgumentParser:
    result = _Parser(prog=prog, allow_abbrev=False)
    groups: dict[str, Any] = {}
    for f in fields(cls):
        spec = spec_of(f)
        if not spec.flag:
            continue
        if spec.group not in groups:
            groups[spec.group] = result.add_argument_group(spec.group)
        names = [f"-{spec.short}"] * bool(spec.short) + [flag(f)]
        text = spec.help.replace("%", "%%") + f" [default: {spec.show(f.default).strip('`')}" + (f"; {variable(f)}]" if variable(f) else "]")
        if _kind(cls, f) is bool:
            action = "store_true" if f.name.startswith("no_") else argparse.BooleanOptionalAction  # --no-x wins over x in the environment
            groups[spec.group].add_argument(*names, dest=f.name, action=action, default=None, help=text)
        else:
            groups[spec.group].add_argument(
                *names, dest=f.name, default=None, help=text, type=_reader(cls, f), metavar=spec.metavar or None
            )
    return result


def table(cls: type[Table]) -> str:
    """The options as a Markdown table."""
    rows = ["| option | environment | default | meaning |", "|---|---|---|---|"]
    for f in fields(cls):
        spec = spec_of(f)
        names = ", ".join([f"`-{spec.short}`"] * bool(spec.short) + [f"`{flag(f)}`"]) if spec.flag else "(environment only)"
        env = f"`{variable(f)}`" if variable(f) else ""
        rows.append(f"| {names} | {env} | {spec.show(f.default)} | {spec.help} |")
    return "\n".join(rows)


def spec_of(f: Field[Any]) -> Spec:
    spec: Spec = f.metadata["spec"]
    return spec


def flag(f: Field[Any]) -> str:
    return "--" + f.name.replace("_", "-")


def variable(f: Field[Any]) -> str:
    return PREFIX + f.name.upper() if f.metadata["derive"] else spec_of(f).env


def _kind(cls: type[Table], f: Field[Any]) -> Any:
    return get_type_hints(cls)[f.name]


def _reader(cls: type[Table], f: Field[Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return _convert(_kind(cls, f), text, f)
        except SettingsError as error:
            raise argparse.ArgumentTypeError(error.message.partition("=")[2]) from None  # argparse names the option

    return read


PRIVATE = re.compile(r"@|://.*\?", re.S)
"""In a value that may hold a credential: before an @, or in the query of a URL. It is not repeated, also where it has no place."""


def _convert(kind: Any, text: str, f: Field[Any]) -> Any:
    parse = spec_of(f).parse or (boolean if kind is bool else kind)
    try:
        return parse(text)
    except ValueError as error:
        why = str(error) if kind is bool or spec_of(f).parse else f"not a valid {kind.__name__}"
        shown = "…" if spec_of(f).secret or PRIVATE.search(text) else repr(text)
        raise SettingsError(f"{variable(f) or flag(f)}={shown}: {why}") from None


# ---- kinds of values -------------------------------------------------------------------------


def boolean(text: str) -> bool:
    if text.strip().lower() not in TRUTH:
        raise ValueError(f"must be one of {', '.join(word for word in TRUTH if word)}")
    return TRUTH[text.strip().lower()]


UNITS = {"": 1, "b": 1, "k": 1 << 10, "kib": 1 << 10, "kb": 1000, "m": 1 << 20, "mib": 1 << 20, "mb": 10**6,
         "g": 1 << 30, "gib": 1 << 30, "gb": 10**9}
SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _measure(text: str, units: Mapping[str, float], what: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in units or float(match[1]) * units[match[2]] <= 0:
        raise ValueError(f"must be {what}")
    return float(match[1]) * units[match[2]]


def size(text: str) -> int:
    """Bytes, at least one: "64MiB", "64m", "67108864"."""
    return int(_measure(text, UNITS, "a size above 0, such as 64MiB or 1000000"))


def seconds(text: str) -> float:
    """A duration above zero: "300", "5m", "7d"."""
    return _measure(text, SECONDS, "a duration above 0, such as 90, 5m or 7d")


def between(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,18}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def dollars(text: str) -> float:
    """An amount above zero: "10", "0.5"."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) or float(text) == 0:
        raise ValueError("must be an amount above 0 in US dollars, such as 10 or 0.5")
    return float(text)


def one_of(*words: str) -> Callable[[str], str]:
    """Declare the field as the Literal of the same words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return parse


def share(text: str) -> float:
    """A number from 0.1 to 1: "0.4"."""
    if not re.fullmatch(r"[01]?\.\d{1,6}|1", text) or not 0.1 <= float(text) <= 1:
        raise ValueError("must be a number from 0.1 to 1, such as 0.4")
    return float(text)


def names(text: str) -> tuple[str, ...]:
    """A comma-separated list."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", text):
        raise ValueError("must look like https://host[:port][/prefix]")
    return text.rstrip("/")


def plain(value: Any) -> str:
    if value is None or value in ((), ""):
        return "none"
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"`{value}`"


def show_size(value: int) -> str:
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= factor and value % factor == 0:
            return f"{value // factor} {unit}"
    return str(value)


def show_url(value: str) -> str:
    """Without credentials and options."""
    scheme, found, rest = value.partition("://")
    return scheme + found + rest.rpartition("@")[2].partition("?")[0] if found else value


def show_seconds(value: float) -> str:
    return f"{value / 86400:g} days" if value >= 86400 else f"{value:g} s"
