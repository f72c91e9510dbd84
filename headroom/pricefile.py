"""Where a machine's prices come from: the bundled table, the file of --prices over it, an installed litellm's behind it.

litellm is not imported, which takes seconds and asks the network for newer prices: the table that it ships is a JSON
file, found as a vocabulary is, and read when a model is asked for that nobody else knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from headroom.errors import SettingsError
from headroom.prices import Prices, filled, load
from headroom.vocabulary import package_folder

LITELLM = "model_prices_and_context_window_backup.json"
LARGEST = 16 << 20
"""Bytes; litellm's table has 3 MB, ours 20 kB."""


class Shipped(Mapping[str, Any]):
    """litellm's table, empty where there is none. Rows are kept as text: parsed they would take ten times the room."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: Mapping[str, str] | None = None

    def _table(self) -> Mapping[str, str]:
        if self._rows is None:
            self._rows = _rows(self._path)
        return self._rows

    def __getitem__(self, name: str) -> Any:
        return json.loads(self._table()[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._table())

    def __len__(self) -> int:
        return len(self._table())


def _rows(path: Path | None) -> Mapping[str, str]:
    """Nobody asked for this file by name, so one that cannot be read is as good as none."""
    if path is None:
        return {}
    try:
        table = json.loads(_text(path))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(table, dict):
        return {}
    return {name: json.dumps(row) for name, row in table.items() if isinstance(row, dict) and "input_cost_per_token" in row}


def shipped() -> Shipped:
    """The table of the litellm that is installed beside us, if one is."""
    folder = package_folder("litellm")
    return Shipped(folder / LITELLM if folder is not None else None)


def prices(path: str, rest: Mapping[str, Any] | None = None) -> Prices:
    """All there are; `path` "" for no override, `rest` in place of litellm's. Raises SettingsError that names the file."""
    try:
        table = load(_text(Path(path)) if path else None)
    except (OSError, ValueError) as error:  # not there, not ours to read, not UTF-8
        raise SettingsError(f"--prices {path}: {getattr(error, 'strerror', None) or error}") from None
    except SettingsError as error:
        raise SettingsError(f"--prices {path}: {error.message.removeprefix('prices: ')}") from None
    return filled(table, shipped() if rest is None else rest)


class Daily:
    """The table as it is today: rows begin on their dates."""

    def __init__(self, table: Prices, today: Callable[[], date]) -> None:
        self._today, self._day = today, today()
        self._table = table.on(self._day)

    def __call__(self) -> Prices:
        day = self._today()
        if day != self._day:
            self._day, self._table = day, self._table.on(day)
        return self._table


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"larger than {LARGEST >> 20} MiB")
    return path.read_text(encoding="utf-8-sig")  # Windows editors put a mark in front
