"""Other Pythons on this machine, and what the same program prints on each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MINORS = range(10, 16)
"""Of Python 3, which headroom may run on; what is not there is passed over."""
LONGEST = 120
"""Seconds for one run, which takes about two."""
WHICH = "import sys; print('%d.%d' % sys.version_info[:2])"


def found(environ: Mapping[str, str]) -> dict[str, str]:
    """Version → program, of those that start: version managers put programs on the path that do nothing but complain."""
    return {version: program for version, program in reversed(list(_candidates(environ))) if _version(program) == version}


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    kept = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    for minor in MINORS:
        version = f"3.{minor}"
        if minor == sys.version_info.minor:
            yield version, sys.executable
            continue
        for program in (shutil.which(f"python{version}", path=environ.get("PATH")), *kept.glob(f"{version}.*/bin/python")):
            if program is not None:
                yield version, str(program)


def _version(program: str) -> str:
    try:
        done = subprocess.run([program, "-c", WHICH], capture_output=True, text=True, timeout=LONGEST, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def printed(program: str, arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """By a program of this repository. Raises CalledProcessError, with what it said."""
    done = subprocess.run(
        [program, *arguments], cwd=ROOT, env={"PYTHONPATH": str(ROOT), **environ}, capture_output=True, text=True, timeout=LONGEST, check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
