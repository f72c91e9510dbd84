"""Regenerates the corpus: builds a neutral workspace, runs each recipe there, scrubs and stores its output.

    unshare --uts --pid --mount --fork --mount-proc python3 -m bench.corpus.make --pythons DIR --tools DIR [NAME…]

Run it as root on a Debian 12 machine that can be thrown away: it writes to /srv and starts services on the loopback.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from bench.corpus.recipes import RECIPES

HERE = Path(__file__).parent
APP = Path("/srv/app")
HOST = "web-1"
TIMEOUT = 240
"""Seconds a recipe may take."""
LARGEST = 30_000
"""Bytes kept of an output, cut at a line: enough for every estimator block, small enough to carry ninety of them."""
HOME = re.escape(str(Path.home()))
SCRUB = (
    (HOME + r"/\.rustup", "/srv/rustup"), (HOME + r"/\.pyenv/versions", "/srv/pythons"), (r"/opt/corpus-\w*", "/opt/tools"),
    (r"/tmp/[\w.-]+", "/srv/tmp"), (r"Linux \d+\.\d+\.\d+-[\w.-]+", "Linux 6.1.0-28-amd64"), (r"\broot root\b", "mira mira"), (r"\b(root +)(?=\d+ +\d\.\d)", r"\1"),
)
FOREIGN = re.compile(rf"{re.escape(str(Path.cwd()))}\b|{HOME}\b|/tmp\b|/home/(?!deploy)", re.IGNORECASE)
"""What must not be in the corpus: paths of the machine it was made on."""


def environment(tools: Path) -> dict[str, str]:
    path = f"{tools}/usr/bin:/srv/cargo/bin:{os.environ['PATH']}"  # a script hands its own PATH on
    return {
        "PATH": "/usr/bin:/usr/sbin:/bin:" + path, "HOME": "/srv/home", "LANG": "C.UTF-8", "TZ": "UTC", "COLUMNS": "110", "PAGER": "cat",
        "VENV": "/srv/app/.venv/bin", "PIP": "/usr/bin/python3 -m pip --python /srv/app/.venv/bin/python", "PIP_CONFIG_FILE": "/dev/null",
        "PIP_PROGRESS_BAR": "off", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NPM_CONFIG_USERCONFIG": "/dev/null", "NO_UPDATE_NOTIFIER": "1",
        "CARGO_HOME": "/srv/cargo", "RUSTUP_HOME": f"{Path.home()}/.rustup", "RUST_BACKTRACE": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }


def scrub(text: str) -> str:
    for pattern, neutral in SCRUB:
        text = re.sub(pattern, neutral, text)
    return "".join(line for line in text.splitlines(keepends=True) if not FOREIGN.search(line))


def cut(data: bytes) -> bytes:
    if len(data) <= LARGEST:
        return data
    end = data.rfind(b"\n", LARGEST // 2, LARGEST) + 1  # minified files have no line to cut at
    return data[: end or LARGEST].decode(errors="ignore").encode()


def run(command: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", command], cwd=APP, env=env, timeout=TIMEOUT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )
    return done.stdout.decode("utf-8", errors="replace")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pythons", type=Path, required=True, help="CPython installations: DIR/3.8 … DIR/3.13")
    parser.add_argument("--tools", type=Path, required=True, help="unpacked Debian packages: ripgrep tree nginx redis-server redis-tools and libraries")
    parser.add_argument("--skip-services", action="store_true", help="keep the logs of the last run")
    parser.add_argument("names", nargs="*", help="only these texts")
    asked = parser.parse_args()
    env = environment(asked.tools)
    socket.sethostname(HOST)
    APP.mkdir(parents=True, exist_ok=True)
    subprocess.run(["bash", str(HERE / "workspace/prepare.sh"), str(asked.pythons)], env=env, check=True)
    if not asked.skip_services:
        subprocess.run(["bash", "/srv/app/shop/services.sh", str(asked.tools)], env=env, check=True)
    for name in asked.names or RECIPES:
        text = cut(scrub(run(RECIPES[name], env)).encode())
        (HERE / f"{name}.txt").write_bytes(text)
        print(f"{len(text):7} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
