"""Dumps of variables (env, printenv, export -p, declare -x, .env files): declarations bare, lines of alike services by one rule.

    [environment; "*1 A b c" is the lines of *1 with A for $0, b for $1, …; $NAME is the value of NAME]
    *1: $0_SERVICE_HOST=$1 $0_SERVICE_PORT=$2 $0_PORT=tcp://$1:$2
    ## declare -x NAME="value"
    *1 AUTH 10.96.88.141 6539
    *1 SHOP 10.96.197.9 8080
    HOME=/srv/deploy
    PATH=$HOME/.local/bin:/usr/bin

Every container of a cluster has several such lines for each service.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from headroom.compressors.base import Compressed, Goal, TooCostly, read_back
from headroom.compressors.lines.glance import glance
from headroom.compressors.lines.letters import WORD

MAX_CHARS = 400_000
"""Half a second of work; processes seldom have a tenth of it."""

MIN_LINES, MIN_SHARE = 8, 0.7
"""Variables, and their share of the lines; functions of a shell and values of several lines stand between them."""

MIN_ROWS, MAX_GROUP, MAX_RULES, MAX_CELLS = 3, 16, 9, 9
"""Groups that a rule is worth, lines of one, rules of a text and cells of a row, which have one digit."""

MIN_VALUE, MIN_GAIN, MAX_NAMED = 12, 6, 50
"""Characters of a value that others may hold, how many more it must have than its name, and how many such values are tried."""

SAID = 0.5
"""Share of a value that may stand in a rule, for all groups, where the rest is that of other values."""

WHOLE, HEADING, SAMPLE = "= ", "## ", "NAME=value"
FISH = "set -gx "
PREFIXES = ("declare -x ", "typeset -x ", "export ", FISH, "")

_VARIABLE = re.compile(r"(declare -x |typeset -x |export |set -gx |)([A-Za-z_][A-Za-z0-9_]{0,200})([= ])(.*)", re.DOTALL)
_ATOM = re.compile(r"[A-Za-z0-9.]+")
_CELL = re.compile(r"[^\s$]+")
_RULE = re.compile(r"(\*[1-9]): (.+)")
_PLACE = re.compile(r"\$([0-9])")
_NAMED = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_HEADER = re.compile(r"\[environment(?P<rules>; \"\*1 A b[^;]*)?(?P<values>; \$NAME is the value of NAME)?(?:; NAME alone is as above)?(?:; \"= \" before other lines)?\]\n")


@dataclass(frozen=True, slots=True)
class Variable:
    """A line, and the variable that it declares: none if `name` is empty."""

    line: str
    prefix: str = ""
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    """Neighbours whose names begin alike: the lines of a rule, and what the rule is filled with."""

    size: int
    rule: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """Lists of environment variables. Kept for certain: every byte. Keywords, and lines that are alike for each service, are said once."""

    name: str = "environment"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        lines = glance(text)
        found = sum(1 for line in lines if (each := _VARIABLE.match(line)) and (each[1] == FISH if each[3] == " " else each[1] or each[2].isupper()))
        return 0.9 * found / len(lines) if found >= MIN_LINES // 2 else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too many variables")
        if _HEADER.match(text):
            return None
        body = text[:-1] if text.endswith("\n") else text
        variables = _variables(body.split("\n"))
        if sum(1 for each in variables if each.name) < max(MIN_LINES, MIN_SHARE * len(variables)):
            return None
        short = _form(variables, closed="$" in text) + text[len(body) :]
        return Compressed(short, "exact") if len(short) < len(text) and self.expand(short) == text else None

    def expand(self, short: str) -> str | None:
        return read_back(short, _HEADER, lambda form, header: _lines(form, values=bool(header["values"])))


def _variables(lines: Sequence[str]) -> list[Variable]:
    """All lines, with the quotes off that all of one keyword have."""
    found = [_VARIABLE.fullmatch(line) for line in lines]
    quotes: dict[str, str] = {}
    for prefix in PREFIXES:
        values = [each[4] for each in found if each and each[1] == prefix]
        sign = " " if prefix == FISH else "="
        shared = next((q for q in ('"', "'") if prefix and values and all(len(v) > 1 and v[0] == v[-1] == q for v in values)), "")
        quotes[prefix] = sign + shared
    variables: list[Variable] = []
    for line, each in zip(lines, found, strict=True):
        sign, quote = (quotes[each[1]][0], quotes[each[1]][1:]) if each else ("", "")
        if each and each[3] == sign:
            variables.append(Variable(line, f"{each[1]}NAME{sign}{quote}value{quote}", each[2], each[4][len(quote) : len(each[4]) - len(quote)]))
        else:
            variables.append(Variable(line))
    return variables


def _form(variables: Sequence[Variable], *, closed: bool) -> str:
    """`closed`: our sign stands in the text, so nothing can be named by it."""
    groups = {} if closed else _groups(variables)
    rules = {rule: f"*{i}" for i, rule in enumerate(dict.fromkeys(group.rule for group in groups.values()), 1)}
    covered = {i for start, group in groups.items() for i in range(start, start + group.size)}
    named = {} if closed else _named([each for i, each in enumerate(variables) if i not in covered])
    form: list[str] = []
    known: dict[str, str] = {}
    prefix = SAMPLE
    for i, each in enumerate(variables):
        if each.name and each.prefix != prefix:
            prefix = each.prefix
            form.append(HEADING + prefix)
        if i in groups:
            form.append(" ".join([rules[groups[i].rule], *groups[i].cells]))
        elif not each.name:
            form.append(WHOLE + each.line)
        elif i not in covered:
            form.append(each.name if known.get(each.name) == each.value else f"{each.name}={_with_names(each, named)}")
        known[each.name] = each.value
    tell = '; "*1 A b" is the lines of *1 with A for $0, b for $1' if rules else ""
    tell += "; $NAME is the value of NAME" if named and any("$" in line for line in form) else ""
    tell += "; NAME alone is as above" if any(line.isidentifier() for line in form) else ""
    tell += '; "= " before other lines' if any(line.startswith(WHOLE) for line in form) else ""
    return "\n".join([f"[environment{tell}]", *(f"{sign}: {' '.join(rule)}" for rule, sign in rules.items()), *form])


def _named(variables: Sequence[Variable]) -> dict[str, str]:
    """Values that others may hold, and the shortest name of each; the longest values first."""
    values: dict[str, set[str]] = {}
    for each in variables:
        values.setdefault(each.name, set()).add(each.value)
    useful = {name: min(found) for name, found in values.items() if name and len(found) == 1}
    paths = [(value, name) for name, value in useful.items() if "/" in value and len(value) >= max(MIN_VALUE, len(name) + MIN_GAIN)]
    names = dict(sorted(paths, key=lambda pair: (len(pair[0]), -len(pair[1])))[:MAX_NAMED])
    held = Counter(value for each in variables for value in names if value in each.value and value != each.value)
    plain = {value for value in names if not any(other in value and other != value for other in held)}
    return {value: names[value] for value in sorted(held, key=lambda value: (-len(value), value)) if value in plain}


def _with_names(variable: Variable, named: Mapping[str, str]) -> str:
    """The value, with names for what is the value of others."""
    value = variable.value
    for held, name in named.items():
        if held in value and held != variable.value:
            value = re.sub(rf"(?<![{WORD}/.$]){re.escape(held)}(?![{WORD}.])", f"${name}", value)
    return value


def _groups(variables: Sequence[Variable]) -> dict[int, _Group]:
    """Where a group begins whose rule several have."""
    found = {i: list(_groups_at(variables, i)) for i in range(len(variables))}
    counts = Counter(group.rule for groups in found.values() for group in groups)
    chosen: dict[int, _Group] = {}
    at = 0
    while at < len(variables):
        groups = [group for group in found[at] if counts[group.rule] >= MIN_ROWS]
        best = max(groups, key=lambda group: counts[group.rule] * (group.size - 1), default=None)
        if best:
            chosen[at] = best
        at += best.size if best else 1
    counts = Counter(group.rule for group in chosen.values())
    usual = {rule for rule, count in counts.most_common(MAX_RULES) if count >= MIN_ROWS}
    same = {rule: [len(set(cells)) == 1 for cells in zip(*(each.cells for each in chosen.values() if each.rule == rule), strict=True)] for rule in usual}
    return {at: _settled(group, same[group.rule]) for at, group in chosen.items() if group.rule in usual}


def _settled(group: _Group, same: Sequence[bool]) -> _Group:
    """The group with those cells in its rule that all groups of the rule have alike."""
    left = [i for i, fixed in enumerate(same) if not fixed]
    places = {str(i): cell if same[i] else f"${left.index(i)}" for i, cell in enumerate(group.cells)}
    rule = tuple(_PLACE.sub(lambda found: places[found[1]], line) for line in group.rule)
    return _Group(group.size, rule, tuple(group.cells[i] for i in left))


def _groups_at(variables: Sequence[Variable], start: int) -> Iterator[_Group]:
    """The groups that begin at a line: one for each beginning of its name."""
    name = variables[start].name
    for cut in [found.start() for found in islice(re.finditer(r"_", name), 6)]:
        stem = name[:cut]
        end = start
        while end < len(variables) and end - start <= MAX_GROUP and variables[end].name.startswith(stem + "_") and variables[end].prefix == variables[start].prefix:
            end += 1
        alone = start == 0 or not variables[start - 1].name.startswith(stem + "_")
        if stem and alone and 1 < end - start <= MAX_GROUP:
            group = _group(stem, variables[start:end])
            if group:
                yield group


def _group(stem: str, variables: Sequence[Variable]) -> _Group | None:
    """Cells are the shortest values, out of which the longer ones and numbers in names are made."""
    if not all(_CELL.fullmatch(each.value) for each in variables):
        return None
    cells: list[str] = [stem]
    for value in sorted({each.value for each in variables}, key=lambda value: (len(value), value)):
        made = _filled(value, cells[1:])
        said = sum(map(len, _ATOM.findall(_PLACE.sub("", made))))
        if made == value or said > SAID * len(value):
            cells.append(value)
    if len(cells) > MAX_CELLS:
        return None
    order = [value for each in variables for value in [each.value] if value in cells[1:]]
    cells = [stem, *dict.fromkeys(order)]
    rule = tuple(f"$0{_filled(each.name[len(stem) :], cells[1:])}={_filled(each.value, cells[1:])}" for each in variables)
    return _Group(len(variables), rule, tuple(cells))


def _filled(text: str, cells: Sequence[str]) -> str:
    """Text with signs for the cells that it holds as words."""
    signs = {cell: f"${i}" for i, cell in enumerate(cells, 1)}
    if text in signs:
        return signs[text]
    return _ATOM.sub(lambda found: signs.get(found[0], found[0]) if len(found[0]) > 1 else found[0], text)


def _lines(form: Sequence[str], *, values: bool) -> list[str]:
    """The inverse of `_form`."""
    rules: dict[str, list[str]] = {}
    rows: list[tuple[str, str, str]] = []
    known: dict[str, str] = {}
    prefix = SAMPLE
    for line in form:
        rule = _RULE.fullmatch(line)
        sign, *cells = line.split(" ") if line.startswith("*") else [""]
        if rule:
            rules[rule[1]] = rule[2].split(" ")
        elif line.startswith(HEADING):
            prefix = line[len(HEADING) :]
        elif line.startswith(WHOLE):
            rows.append((line[len(WHOLE) :], "", ""))
        elif sign:
            if sign not in rules:
                raise ValueError("a row without a rule")
            for each in _unfilled(rules[sign], cells):
                name, _, value = each.partition("=")
                known[name] = value
                rows.append((prefix, name, value))
        else:
            name, given, value = line.partition("=")
            if not given and name not in known:
                raise ValueError("a name without a value")
            known[name] = value if given else known[name]
            rows.append((prefix, name, known[name]))
    plain = {name: value for _, name, value in rows if name and "$" not in value} if values else {}
    return [_line(prefix, name, _NAMED.sub(lambda found: plain.get(found[1], found[0]), value) if values else value) for prefix, name, value in rows]


def _unfilled(rule: Sequence[str], cells: Sequence[str]) -> Iterator[str]:
    """The lines of a group, each with its sign "="."""
    for line in rule:
        if "=" not in line or any(int(number) >= len(cells) for number in _PLACE.findall(line)):
            raise ValueError("not a rule")
        yield _PLACE.sub(lambda found: cells[int(found[1])], line)


def _line(prefix: str, name: str, value: str) -> str:
    if not name:
        return prefix
    before, _, rest = prefix.partition("NAME")
    return before + name + rest.replace("value", value)
