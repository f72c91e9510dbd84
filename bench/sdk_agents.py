"""Two small agents on real SDKs, for recording: they do what the model asks, with real commands."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from google import genai
from google.genai import types
from openai import OpenAI

INSTRUCTIONS = (
    "You work on the project in the current folder. Use the shell tool to look around and read_file for files. "
    "Do not change anything. Answer in a few sentences."
)
TOOLS = {
    "shell": ("Run a shell command in the project and return what it prints.", "command", "The command line."),
    "read_file": ("Return the text of a file.", "path", "The file, relative to the project."),
}
TURNS = 40


def use(name: str, given: dict[str, Any], root: Path) -> str:
    """Do what the model asked."""
    if name == "read_file":
        return (root / str(given["path"])).read_text("utf-8")
    done = subprocess.run(["bash", "-c", str(given["command"])], cwd=root, capture_output=True, text=True, check=False, errors="replace")
    return done.stdout + done.stderr


def _schema(member: str, about: str) -> dict[str, Any]:
    return {"type": "object", "properties": {member: {"type": "string", "description": about}}, "required": [member]}


def chat_agent(url: str, root: Path) -> None:
    client = OpenAI(api_key="sk-scripted", base_url=url + "/v1")
    tools: Any = [
        {"type": "function", "function": {"name": name, "description": about, "parameters": _schema(member, detail)}}
        for name, (about, member, detail) in TOOLS.items()
    ]
    messages: list[Any] = [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "user", "content": "How is this project doing? Tests, build, logs. [[script:report]]"},
    ]
    for _ in range(TURNS):
        with client.chat.completions.stream(model="gpt-5.5", messages=messages, tools=tools, stream_options={"include_usage": True}) as stream:
            said = stream.get_final_completion().choices[0].message
        messages.append(said.model_dump(include={"role", "content", "tool_calls"}, exclude_none=True))
        for asked in messages[-1].get("tool_calls") or []:
            asked.pop("index", None)  # of the stream, not of the message
            asked["function"].pop("parsed_arguments", None)
            function = asked["function"]
            output = use(function["name"], json.loads(function["arguments"]), root)
            messages.append({"role": "tool", "tool_call_id": asked["id"], "content": output})
        if not said.tool_calls:
            return


def gemini_agent(url: str, root: Path) -> None:
    client = genai.Client(api_key="scripted", http_options=types.HttpOptions(base_url=url))
    declared = [
        types.FunctionDeclaration(name=name, description=about, parameters_json_schema=_schema(member, detail))
        for name, (about, member, detail) in TOOLS.items()
    ]
    config = types.GenerateContentConfig(
        system_instruction=INSTRUCTIONS, tools=[types.Tool(function_declarations=declared)],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    contents: list[Any] = [types.Content(role="user", parts=[types.Part(text="Why does staging answer 500? [[script:triage]]")])]
    for _ in range(TURNS):
        parts: list[types.Part] = []
        for chunk in client.models.generate_content_stream(model="gemini-3-pro", contents=contents, config=config):
            content = chunk.candidates[0].content if chunk.candidates else None
            parts.extend(content.parts or [] if content else [])
        contents.append(types.Content(role="model", parts=parts))
        calls = [part.function_call for part in parts if part.function_call]
        if not calls:
            return
        answers = [
            types.Part.from_function_response(name=call.name or "", response={"output": use(call.name or "", dict(call.args or {}), root)})
            for call in calls
        ]
        contents.append(types.Content(role="user", parts=answers))
