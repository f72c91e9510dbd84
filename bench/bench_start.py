"""How fast it starts, what it weighs on disk and in memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.proxy import proxy
from bench.wire import median, provider

ROOT = Path(__file__).parent.parent
INSTALLER = ("pip", "setuptools", "wheel", "_distutils_hack", "distutils-precedence")


def installed_bytes() -> int:
    """Everything `pip install .` brings into an empty environment, dependencies included, compiled files not."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--no-compile", str(ROOT)], check=True)
        (site,) = Path(folder).glob("lib/python*/site-packages")
        kept = [p for p in site.iterdir() if not p.name.startswith(INSTALLER)]
        return sum(f.stat().st_size for p in kept for f in (p.rglob("*") if p.is_dir() else [p]) if f.is_file() and f.suffix != ".pyc")


def main() -> None:
    starts, idle = [], 0
    with provider() as upstream:
        for _ in range(7):
            with proxy(upstream) as running:
                starts.append(running.cold_start)
                idle = running.rss()
    start = median(starts)
    print(f"cold start to the first answer: {start:.2f} s median of 7, {max(starts):.2f} worst (aim 0.40){'' if start <= 0.4 else '  missed'}")
    print(f"memory after the first answer: {idle / 2**20:.0f} MB (aim 50){'' if idle <= 50 * 2**20 else '  missed'}")
    size = installed_bytes() / 2**20
    print(f"installed, dependencies included: {size:.1f} MB (aim 20){'' if size <= 20 else '  missed'}")


if __name__ == "__main__":
    main()
