"""Programs of Debian packages that tests drive: installed where they are missing and we may, else the test skips, saying why."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

INSTALL_SECONDS = 300.0


def program(name: str, package: str) -> str:
    """Its path."""
    if shutil.which(name) is None:
        _install(name, package)
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed and apt-get could not install it")
    return found


def _install(name: str, package: str) -> None:
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip(f"{name} is not installed, and only root can apt-get install {package}")
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", package]):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        try:
            subprocess.run(command, capture_output=True, timeout=INSTALL_SECONDS, check=False, env=quiet)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{name} is not installed, and apt-get takes too long")
