"""The MCP server: our tools in the words of the official SDK, on standard input and output."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

from headroom import __version__
from headroom.errors import HeadroomError, extra
from headroom.mcp.tools import Tool

NAME = "headroom"

INSTRUCTIONS = (
    "Headroom shortens long tool outputs. A marker in an output names the key of what was left out; "
    "headroom_retrieve gives it back, whole, by lines, or by a query."
)

MAX_RESULT_CHARS = 500_000
"""The most that Claude Code lets a tool ask for before it cuts a result short (code.claude.com/docs/en/mcp, output limits):
who asks for an original wants all of it."""

MISSING = f"the MCP server needs the official Python SDK: {extra('mcp')}"


def available() -> bool:
    """Whether the extra `mcp` is installed, in a version that we speak to: 2 renamed what 1 had."""
    return importlib.util.find_spec("mcp") is not None and importlib.util.find_spec("mcp_types") is not None


def server(tools: Sequence[Tool]) -> Any:
    """An SDK server that has these tools. ImportError without the extra."""
    import mcp_types as types  # noqa: PLC0415  # optional, and a second that only this command needs
    from mcp.server import Server  # noqa: PLC0415

    by_name = {tool.name: tool for tool in tools}

    async def listed(context: Any, params: Any) -> Any:
        return types.ListToolsResult(tools=[_declared(tool, types) for tool in tools])

    async def called(context: Any, params: Any) -> Any:
        tool = by_name.get(params.name)
        try:
            texts = (f"there is no tool {params.name!r}",) if tool is None else await tool(params.arguments or {})
        except HeadroomError as error:
            return _result((error.message,), types, error=True)
        return _result(texts, types, error=tool is None)

    return Server(NAME, version=__version__, instructions=INSTRUCTIONS, on_list_tools=listed, on_call_tool=called)


def _declared(tool: Tool, types: Any) -> Any:
    hints = types.ToolAnnotations(
        read_only_hint=not tool.writes, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    return types.Tool(
        name=tool.name, description=tool.description, input_schema=tool.schema, annotations=hints,
        _meta={"anthropic/maxResultSizeChars": MAX_RESULT_CHARS},
    )


def _result(texts: Sequence[str], types: Any, *, error: bool) -> Any:
    # Lone surrogates are no text of JSON; the key of an original with some is in its marker, /v1/retrieve has the bytes.
    clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
    return types.CallToolResult(content=[types.TextContent(type="text", text=text) for text in clean], is_error=error)


async def serve(tools: Sequence[Tool]) -> None:
    """Until the client closes our standard input."""
    from mcp.server.stdio import stdio_server  # noqa: PLC0415

    app = server(tools)
    async with stdio_server() as (incoming, outgoing):
        await app.run(incoming, outgoing, app.create_initialization_options())
