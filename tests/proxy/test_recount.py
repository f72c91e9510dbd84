from __future__ import annotations

from pathlib import Path

import pytest

from headroom.conversation import Conversation, Part
from headroom.proxy.recount import Recount
from headroom.tokens import ESTIMATED, EXACT, Counter

pytestmark = pytest.mark.anyio

TALK = Conversation("m", (Part("user", "a b", ("x",)), Part("tool", "c d e", ("y",))), others=("f",))


async def test_without_a_vocabulary_the_estimate_stands(tmp_path: Path) -> None:
    recount = Recount()
    await recount.load({"HOME": str(tmp_path)})
    assert recount.counter.name == ESTIMATED or recount.exact()  # an installed package may bring one
    recount = Recount()
    assert await recount(TALK, {}) is None


async def test_a_file_that_is_not_the_vocabulary_is_not_one(tmp_path: Path) -> None:
    for name in ("fb374d419588a4632f3f557e76b4b70aebbca790", "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"):
        (tmp_path / name).write_text("junk", encoding="utf-8")
    recount = Recount()
    await recount.load({"HOME": str(tmp_path), "TIKTOKEN_CACHE_DIR": str(tmp_path)})
    assert recount.counter.name != EXACT or recount.exact()


async def test_exact_counts_cover_everything_the_model_reads() -> None:
    recount = Recount()
    recount.counter, recount._exact = Counter(lambda text: len(text.split()), EXACT), True
    assert await recount(TALK, {("y",): "c"}) == (6, 4)
