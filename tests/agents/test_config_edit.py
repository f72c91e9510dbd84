from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.agents import config_edit
from headroom.agents.base import Unparsable
from headroom.errors import OurError

OURS = "ours\n"


def add(text: str) -> str:
    return text + OURS


def take(text: str) -> str:
    return text.replace(OURS, "")


def refuse(text: str) -> str:
    raise Unparsable("cannot")


@pytest.mark.parametrize("before", [None, b"", b"a\r\nb", "é\n".encode()])
def test_an_edit_and_its_undoing(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "deep" / "config"
    if before is not None:
        path.parent.mkdir()
        path.write_bytes(before)
        path.chmod(0o640)
    config_edit.apply(path, add)
    assert path.read_bytes() == (before or b"") + OURS.encode()
    assert path.stat().st_mode & 0o777 == (0o600 if before is None else 0o640)
    config_edit.undo(path, add, refuse)
    assert (path.read_bytes() if path.exists() else None) == before
    assert {p.name for p in path.parent.iterdir()} <= {"config"}


def test_what_others_wrote_since_stays(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("mine\n")
    config_edit.apply(path, add)
    path.write_text(path.read_text() + "theirs\n")
    config_edit.undo(path, add, take)
    assert path.read_text() == "mine\ntheirs\n"
    assert [p.name for p in tmp_path.iterdir()] == ["config"]


def test_a_change_in_between_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("mine\n")

    def slow(text: str) -> str:
        path.write_text("theirs\n")
        return add(text)

    with pytest.raises(OurError, match="at the same time"):
        config_edit.apply(path, slow)
    assert path.read_text() == "theirs\n"


def test_what_cannot_be_changed_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"\xff")
    for change in (add, refuse, lambda text: text + "\udc80"):
        with pytest.raises(OurError, match="left alone"):
            config_edit.apply(path, change)
        path.write_bytes(path.read_bytes()[:1].replace(b"\xff", b"x"))
    assert [p.name for p in tmp_path.iterdir()] == ["config"]
    assert path.read_bytes() == b"x"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles", tmp_path / "config"
    real.write_text("mine\n")
    link.symlink_to(real)
    config_edit.apply(link, add)
    assert link.is_symlink()
    assert real.read_text() == "mine\n" + OURS
    config_edit.undo(link, add, take)
    assert real.read_text() == "mine\n"


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(OurError, match="cannot read"):
        config_edit.read(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OurError, match="cannot"):
        config_edit.apply(tmp_path / "file" / "config", add)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=20))
def test_an_undone_edit_gives_the_bytes_back(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("edit") / "config"
    path.write_bytes(data)
    try:
        config_edit.apply(path, add)
    except OurError:
        assert path.read_bytes() == data
        return
    config_edit.undo(path, add, refuse)
    assert path.read_bytes() == data
