"""What kind of output a tool result is, as a person would name it: the program that was run, or the file that was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from headroom.conversation import Part

COMMANDS = ("command", "cmd")
FILES = ("file_path", "path")

SHOWS_A_FILE = frozenset(("cat", "head", "tail", "sed"))
HAS_SUBCOMMANDS = frozenset(("git", "npm", "cargo", "go", "docker", "kubectl"))

SEPARATOR = re.compile(r"\|+|;|&&|\n")
WORD = re.compile(r"\S+")


def kind_of(part: Part) -> str:
    """ "git log", "grep", "cat .json", "Read .py"; the tool's name where nothing better is known."""
    call = part.call if isinstance(part.call, Mapping) else {}
    for member in COMMANDS:
        if isinstance(call.get(member), str):
            return _program(call[member]) or part.tool
    for member in FILES:
        if isinstance(call.get(member), str):
            return f"{part.tool} {PurePosixPath(call[member]).suffix}".rstrip()
    return part.tool or "other"


def _program(command: str) -> str:
    steps = [WORD.findall(step) for step in SEPARATOR.split(command)]
    words = next((step for step in steps if step and step[0] != "cd"), [])
    if not words:
        return ""
    program = PurePosixPath(words[0]).name
    if program.startswith("python") and words[1:2] == ["-m"]:
        return " ".join(words[2:3])
    if program in HAS_SUBCOMMANDS:
        return " ".join([program, *words[1:2]])
    if program in SHOWS_A_FILE:
        suffix = PurePosixPath(words[-1]).suffix
        return f"{program} {suffix}".rstrip()
    return program
