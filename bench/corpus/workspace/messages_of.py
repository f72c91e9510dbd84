"""Prints the translated messages of a gettext catalogue, one a line."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

STRING = r'((?:"[^\n]*"\n)+)'

if __name__ == "__main__":
    catalogue = Path(sys.argv[1]).read_text(encoding="utf-8")
    for quoted in re.findall(rf"^msgstr(?:\[\d\])? {STRING}", catalogue, flags=re.M)[1:]:
        print("".join(ast.literal_eval(line) for line in quoted.splitlines()).strip())
