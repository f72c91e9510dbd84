"""What an answer of OpenAI Responses says and asks, and several of them made one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Asked, Round, Told
from headroom.dialects.hidden.json_text import arguments, written
from headroom.dialects.hidden.usage import of_all
from headroom.dialects.shapes import mapping, objects, text_of

CLIENTS = frozenset((
    "function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call", "computer_call",
    "mcp_approval_request", "tool_search_call",
))
"""Items that the client answers, unless the provider has done so in the same answer."""

KEPT = ("id", "created_at", "model")
"""What names an answer: as the client was told in the first round."""


@dataclass(frozen=True, slots=True)
class Past:
    """A round that has been answered."""

    items: tuple[Json, ...]
    """Those the client sees."""
    response: Mapping[str, Json]


def ours(item: Json) -> bool:
    found = mapping(item)
    return found.get("type") == "function_call" and found.get("name") == NAME


def visible(items: Iterable[Json]) -> tuple[Json, ...]:
    return tuple(item for item in items if not ours(item))


def texts_of(item: Json) -> str:
    """The text of a message that the client shows, a refusal being one too."""
    return "".join(
        text_of(part.get("text")) or text_of(part.get("refusal")) for _, part in objects(mapping(item).get("content"))
    )


def heard(items: Sequence[Json], response: Mapping[str, Json]) -> Round:
    """An answer that was cut short or failed asks nothing: its last call may be half of one."""
    mine = [mapping(item) for item in items if ours(item)] if response.get("status", "completed") == "completed" else ()
    asked = tuple(Asked(text_of(item.get("call_id")), _arguments(item)) for item in mine)
    lost = response.get("store") is False
    said = tuple(written(item) for item in items if not (lost and _is_bare_thought(mapping(item))))
    return Round(said, asked, bool(asked) and not calls(visible(items)))


def _is_bare_thought(item: Mapping[str, Json]) -> bool:
    """Reasoning that the provider knows by its id alone, and refuses (404) once it was told not to store it."""
    return item.get("type") == "reasoning" and not item.get("encrypted_content")


def told(items: Sequence[Json]) -> Told:
    return Told("".join(map(texts_of, items)), calls(items))


def calls(items: Sequence[Json]) -> tuple[str, ...]:
    """Ids of the calls left to the client."""
    found = [mapping(item) for item in items]
    answered = {_id(item) for item in found if text_of(item.get("type")).endswith("_output")}
    return tuple(
        _id(item) for item in found
        if text_of(item.get("type")) in CLIENTS and item.get("execution") != "server" and _id(item) not in answered
    )


def composed(response: Mapping[str, Json], past: Sequence[Past]) -> dict[str, Json]:
    """The answer in the end, as if all rounds were one and our tool had never been offered."""
    whole = dict(response)
    if past:
        whole.update({name: past[0].response[name] for name in KEPT if name in past[0].response})
        earlier = [mapping(each.response.get("usage")) for each in past]
        whole["usage"] = of_all(whole.get("usage"), earlier, "input_tokens", "output_tokens")
    if isinstance(whole.get("output"), list):
        # Codex's own backend closes with no items at all.
        before = past if all(output_of(each.response) for each in past) else ()
        whole["output"] = [*(item for each in before for item in each.items), *visible(whole["output"])]
    if offers_ours(whole):
        whole["tools"] = [tool for tool in whole["tools"] if mapping(tool).get("name") != NAME]
    return whole


def offers_ours(response: Json) -> bool:
    """Answers repeat the tools of the request."""
    return any(tool.get("name") == NAME for _, tool in objects(mapping(response).get("tools")))


def _arguments(item: Mapping[str, Json]) -> Json:
    given = item.get("arguments")
    return arguments(given) if isinstance(given, str) else given


def _id(item: Mapping[str, Json]) -> str:
    return text_of(item.get("call_id")) or text_of(item.get("id"))


def output_of(response: Mapping[str, Json]) -> list[Json]:
    output = response.get("output")
    return output if isinstance(output, list) else []
