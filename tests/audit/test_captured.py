from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from headroom.audit import captured
from headroom.audit.captured import ANTHROPIC, CHAT, GEMINI, RESPONSES, Shape
from headroom.dialects import find

CLAUDE = {"model": "claude-opus-4-8", "system": "Be brief.", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello."}]}


@pytest.mark.parametrize(("body", "shape"), [
    (CLAUDE, ANTHROPIC),
    ({"model": "claude-haiku-4-5", "messages": []}, ANTHROPIC),
    ({"model": "anthropic/claude-haiku-4-5", "messages": [{"role": "tool", "content": "x"}]}, CHAT),
    ({"model": "gpt-5.5", "messages": [{"role": "system", "content": "x"}]}, CHAT),
    ({"model": "gpt-5.5", "input": "Hello."}, RESPONSES),
    ({"contents": []}, GEMINI),
    ({"model": "gpt-5.5"}, None), ({}, None), ({"messages": "x"}, None),
])
def test_which_api_a_body_is_for(body: dict[str, Any], shape: Shape | None) -> None:
    assert captured.shape_of(body) is shape


@pytest.mark.parametrize("shape", [ANTHROPIC, CHAT, RESPONSES, GEMINI])
def test_every_target_has_its_dialect(shape: Shape) -> None:
    assert find("POST", shape.target) is not None


def test_a_folder_is_a_recording_for_each_api(tmp_path: Path) -> None:
    other = {**CLAUDE, "messages": [{"role": "user", "content": "Survey."}]}
    marked = {**CLAUDE, "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello."}]}]}
    for n, body in enumerate([CLAUDE, other, CLAUDE, {"model": "gpt-5.5", "input": "Hi."}, marked]):
        (tmp_path / f"{n}.json").write_text(json.dumps(body), "utf-8")
        os.utime(tmp_path / f"{n}.json", (100.0 + n, 100.0 - n if n == 2 else 100.0 + n))
    (tmp_path / "broken.json").write_text("{", "utf-8")
    first, second = captured.read(tmp_path)
    assert (first.target, first.broken, first.whole) == (ANTHROPIC.target, 1, True)
    assert (second.target, second.broken) == (RESPONSES.target, 0)
    assert [(r.thread, r.at) for r in first.requests()] == [(0, 100.0), (1, 101.0), (0, 101.0), (2, 104.0)]
    assert next(r.body for r in first.requests()) == json.dumps(CLAUDE).encode()
