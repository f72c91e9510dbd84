r"""Which packages a change of a lockfile brings, whatever package manager wrote it.

    -    "node_modules/lodash": {
           "version": "4.17.20"        →   lodash 4.17.20→4.17.21, +left-pad 1.3.0, -old-lib 0.2.1
    …

Names and versions stand as the file has them. What is not told by the lines of the diff is not guessed: a version
without a name above it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LOCKFILE = re.compile(
    r"(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|deno\.lock|Cargo\.lock|poetry\.lock|uv\.lock|pdm\.lock|pixi\.lock"
    r"|Pipfile\.lock|conda-lock\.yml|go\.sum|go\.work\.sum|composer\.lock|Gemfile\.lock|mix\.lock|rebar\.lock|pubspec\.lock|Podfile\.lock|Cartfile\.resolved"
    r"|Package\.resolved|flake\.lock|packages\.lock\.json|project\.assets\.json|gradle\.lockfile|\.terraform\.lock\.hcl|Manifest\.toml)\Z"
)

MAX_LINE = 400
"""Characters of a line that are looked at: names and versions stand at its beginning."""

_NAME = r"[@\w][\w@./+-]*"
_VERSION = r"v?[0-9][\w.+~-]*"
_FACT = re.compile(
    r"[ +-](?:"
    r'\s*"(?:[^"]*node_modules/)?(?P<json>' + _NAME + r')": \{'  # npm, pipenv: "node_modules/x": {
    r'|\s*"?name"?(?: =|:) "(?P<named>' + _NAME + r')"'  # cargo, poetry, uv, composer
    r'|\s*"?version"?(?: =|:)? "?(?:==)?(?P<version>' + _VERSION + r')"?,?(?=\r?\Z)'
    r"|\"?(?P<yarn>@?[^@\s\"]+)@\S.*:(?=\r?\Z)"  # yarn: name@range:
    r"|(?P<gem>    )(?P<gem_name>[\w.-]+) \((?P<gem_version>" + _VERSION + r")\)"
    r"|  /?'?(?P<pnpm>@?[\w./-]+)[@/](?P<pnpm_version>" + _VERSION + r")(?:\([^:]*\))?'?:"
    r"|(?P<go>[\w./~-]+) (?P<go_version>v[\w.+-]+) h1:"
    r")"
)
_NO_NAME = frozenset((
    "dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "requires", "engines", "bin", "packages", "peerDependenciesMeta",
    "funding", "default", "develop", "_meta", "source", "dist", "require", "require-dev", "autoload", "extra", "support", "__metadata",
))


def changed(lines: Iterable[str]) -> list[str]:
    """The packages of a lockfile's diff whose version came, went or is another now, in order of appearance."""
    versions: dict[str, tuple[str, str]] = {}
    name = ""
    for line in lines:
        found = _FACT.match(line[:MAX_LINE])
        if line.startswith("@@"):
            name = ""
        if not found:
            continue
        here = found["json"] or found["named"] or found["yarn"]
        if here:
            name = "" if here in _NO_NAME else here
            continue
        own = found["gem_name"] or found["pnpm"] or found["go"]
        version = found["version"] or found["gem_version"] or found["pnpm_version"] or found["go_version"]
        if version and (own or name) and line[0] != " ":
            old, new = versions.get(own or name, ("", ""))
            versions[own or name] = (version, new) if line[0] == "-" else (old, version)
    return [_told(name, old, new) for name, (old, new) in versions.items() if old != new]


def _told(name: str, old: str, new: str) -> str:
    if old and new:
        return f"{name} {old}→{new}"
    return f"+{name} {new}" if new else f"-{name} {old}"
