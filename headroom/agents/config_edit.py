"""Edits of configuration files that are not ours: backed up, checked against a change in between, undone exactly.

A file is replaced in one step, keeps its permissions, and is reached through links, as people who keep their
configuration under version control have them.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from headroom.agents.base import Unparsable
from headroom.errors import OurError

Change = Callable[[str], str]
"""The text of a file → its new text; "" stands for a file that does not exist. Raises Unparsable."""

BACKUP = ".before-headroom"
"""Suffix of the copy that is kept until the edit is undone."""

PRIVATE = 0o600
"""For a new file: agents keep credentials in their configuration later."""


def read(path: Path) -> str:
    """Its text, "" if there is none. Raises OurError."""
    data = _bytes(path)
    try:
        return "" if data is None else data.decode("utf-8")
    except UnicodeDecodeError:
        raise OurError(f"{path} was left alone: it is not UTF-8") from None


def apply(path: Path, change: Change) -> None:
    """Change the file, keeping a copy of it as it was. Raises OurError."""
    path = _followed(path)
    before = _bytes(path)
    after = _changed(path, change)
    if before is not None:
        _replace(_backup(path), before, _mode(path))
    _swap(path, before, after)


def undo(path: Path, change: Change, inverse: Change) -> None:
    """Take `change` back: the very file as it was, if nobody else has touched it since; else by `inverse`. Raises OurError."""
    path = _followed(path)
    now, kept = _bytes(path), _bytes(_backup(path))
    if now is None:
        return
    if now == _redone(kept, change):
        _swap(path, now, kept)
    else:
        _swap(path, now, _changed(path, inverse))
    forget(path)


def forget(path: Path) -> None:
    """Drop the copy: the edit was undone by other means."""
    with contextlib.suppress(OSError):  # a copy too many does no harm
        _backup(_followed(path)).unlink()


def _redone(kept: bytes | None, change: Change) -> bytes | None:
    """What the file was when we left it; None if that cannot be told."""
    try:
        return change("" if kept is None else kept.decode("utf-8")).encode("utf-8")
    except (Unparsable, UnicodeError):
        return None


def _changed(path: Path, change: Change) -> bytes:
    try:
        return change(read(path)).encode("utf-8")
    except Unparsable as error:
        raise Unparsable(f"{path} was left alone: {error.message}") from None
    except UnicodeEncodeError:
        raise Unparsable(f"{path} was left alone: it would not be UTF-8 any more") from None


def _swap(path: Path, before: bytes | None, after: bytes | None) -> None:
    """Compare, then replace; None stands for no file."""
    if _bytes(path) != before:
        raise OurError(f"{path} was changed by somebody else at the same time; nothing was written, try again")
    if after is None:
        path.unlink()
    elif after != before:
        _replace(path, after, _mode(path))


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Written beside it and renamed: a reader sees the old file or the new one, never a half."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OurError(f"cannot write {path}: {error.strerror}") from None


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OurError(f"cannot read {path}: {error.strerror}") from None


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else PRIVATE


def _followed(path: Path) -> Path:
    return path.resolve()


def _backup(path: Path) -> Path:
    return path.with_name(path.name + BACKUP)
