from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.chain import Chain, chain, reply
from headroom.conversation import Conversation, Part, Reply

ASK, SAY, SEE = Part("user", "Look.", ("m", 0)), Part("assistant", "I see.", ("m", 1)), Part("tool", "a\nb", ("m", 2), "Bash")


def named(*parts: Part, replies: tuple[Reply, ...] = ()) -> Chain:
    conversation = Conversation("m", parts, replies=replies, definitions=((("tools", 0), "{}"),))
    return chain(conversation, lambda text: hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())


def test_an_answer_is_named_by_what_stands_before_it_and_by_its_text() -> None:
    before = named(ASK)
    whole = named(ASK, SAY, SEE, replies=(Reply(1, 2, 1, 2),))
    assert whole.replies == (reply(before.end, SAY.text),)
    assert whole.opening == before.opening
    assert whole.end != before.end


@pytest.mark.parametrize("text", ["I see.", " I see.\n", "I\u00a0see.", "Isee."])
def test_white_space_in_an_answer_does_not_count(text: str) -> None:
    assert reply(b"x", text) == reply(b"x", "I see.") != reply(b"y", "I see.")


def test_an_answer_without_text_has_a_name_wherever_it_stands() -> None:
    nothing = reply(named(ASK).end, "")
    assert named(ASK, SEE, replies=(Reply(1, 2, 1, 1),)).replies == (nothing,)
    assert named(ASK, SEE, replies=(Reply(1, 2, 1, 1),)).opening == named(ASK).opening
    assert named(ASK, replies=(Reply(1, 2, 1, 1),)).replies == (nothing,)
    assert named(ASK, replace(SAY, role="system"), replies=(Reply(1, 2, 1, 1),)).replies == (nothing,)


def test_two_answers_in_a_row_have_names_of_their_own() -> None:
    found = named(ASK, SAY, SAY, replies=(Reply(1, 2, 1, 2), Reply(2, 3, 2, 3)))
    assert found.replies == (reply(named(ASK).end, SAY.text), reply(named(ASK, SAY).end, SAY.text))


parts = st.builds(Part, st.sampled_from(["system", "user", "assistant", "tool"]), st.text(max_size=6), st.just(()), st.sampled_from(["", "Bash"]))


@settings(deadline=None, max_examples=100)
@given(st.lists(parts, max_size=8), st.lists(parts, max_size=4))
def test_what_is_named_once_keeps_its_name(head: list[Part], tail: list[Part]) -> None:
    def found(given_: list[Part]) -> Chain:
        replies = tuple(Reply(i, i + 1, i, i + 1) for i, part in enumerate(given_) if part.role == "assistant")
        return named(*given_, replies=replies)

    before, after = found(head), found(head + tail)
    assert before.parts.items() <= after.parts.items()
    assert after.replies[: len(before.replies)] == before.replies
    if any(part.role == "assistant" for part in head):
        assert after.opening == before.opening
    assert len(set(after.parts.values())) == len(after.parts)


def test_a_link_for_each_part_which_system_text_leaves_as_it_was() -> None:
    whole = named(ASK, replace(SAY, role="system"), SAY, SEE)
    assert len(whole.links) == 4
    assert whole.links[0] == whole.links[1] == named(ASK).end
    assert whole.links[-1] == whole.end
