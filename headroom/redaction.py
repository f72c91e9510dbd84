"""Take credentials out of a text that somebody will read: for bodies in the request log.

It knows what credentials look like, so it is a net with holes: what must stay secret is better not logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GONE = "[redacted]"


@dataclass(frozen=True, slots=True)
class Kind:
    """`hint` stands, in lower case, in every text that `pattern` can match: most texts are not searched at all.
    What the group "kept" matches stays. Every repetition is bounded or followed by what it cannot match: linear time."""

    hint: str
    pattern: re.Pattern[str]


def _start(word: str, *longer: str) -> str:
    """`word`, not in the middle of another but one of `longer`; the n of an escaped line end, as JSON inside JSON has it, is part of
    none. Looking back from behind the word lets the regex engine leap from one occurrence of it to the next."""
    behind = "".join(rf"|(?<={other}{word})" for other in longer)
    return rf"{word}(?:(?<![A-Za-z0-9]{word})|(?<=\\[nrtbf]{word}){behind})"


SECRET = r"[^\s\"'\\,;&<>(){}]{8,}"
"""A value: shorter ones are words of a program more often than secrets."""

IS = r"\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?"
"""Between a name and its value, in a header, a query, JSON, or JSON inside JSON."""


def _looks(start: str, rest: str) -> Kind:
    return Kind(start.lower(), re.compile(_start(re.escape(start)) + rest))


def _named(hint: str, name: str, value: str = SECRET) -> Kind:
    return Kind(hint, re.compile(rf"(?i)(?P<kept>{name}{IS}){value}"))


KINDS = (
    _looks("sk-", r"[A-Za-z0-9_-]{12,}"),  # OpenAI, Anthropic, OpenRouter
    _looks("AKIA", r"[0-9A-Z]{12,}"),  # AWS, long-lived
    _looks("ASIA", r"[0-9A-Z]{12,}"),  # AWS, temporary
    _looks("AIza", r"[0-9A-Za-z_-]{20,}"),  # Google
    _looks("ya29.", r"[0-9A-Za-z_-]{12,}"),  # Google OAuth
    _looks("gh", r"[opusr]_[A-Za-z0-9]{20,}"),
    _looks("github_pat_", r"[A-Za-z0-9_]{20,}"),
    _looks("glpat-", r"[A-Za-z0-9_-]{16,}"),
    _looks("xox", r"[a-z]-[A-Za-z0-9-]{10,}"),  # Slack
    _looks("eyJ", r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),  # JSON web tokens
    Kind("private key-----", re.compile(r"(?P<kept>-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----)[^-]{1,20000}")),
    Kind("://", re.compile(r"(?P<kept>://[^\s/:@\"'\\]{0,100}:)[^\s/@\"'\\]{1,200}(?=@)")),  # https://user:password@host
    Kind("bearer", re.compile(r"(?i)(?P<kept>bearer\s{1,4})[A-Za-z0-9._~+/-]{8,}={0,2}")),
    _named("authorization", "authorization", r"(?:(?:basic|bearer|token|digest)\s{1,4})?" + SECRET),
    _named("cookie", "cookie", r"[^\r\n\"'\\]{8,}"),
    # A name that says what its value is: "api_key": "…", x-goog-api-key: …, ?key=…, AWS_SECRET_ACCESS_KEY=…
    _named("key", _start("key", "api", "access", "private", "auth", "encryption")),
    _named("token", _start("token", "access", "auth", "refresh", "session", "id")),
    _named("secret", "secret"),
    _named("passw", "passw(?:or)?d"),
)


def redact(text: str) -> str:
    """`text` with "[redacted]" for everything that looks like a credential; names and schemes stay readable."""
    lower = text.lower()
    for kind in KINDS:
        if kind.hint in lower:
            text = kind.pattern.sub(_without, text)
    return text


def _without(match: re.Match[str]) -> str:
    return (match.groupdict().get("kept") or "") + GONE
