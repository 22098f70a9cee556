"""The resources, prompts and completions the conformance suite reads."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError

from tests.conformance.fixture_asking import answers, entered, form
from tests.conformance.fixture_schemas import CONTEXT, png

Context = ServerRequestContext[Any, Any]
PromptAnswer = types.GetPromptResult | types.InputRequiredResult
Prompt = tuple[types.Prompt, Callable[[Context, types.GetPromptRequestParams], Awaitable[PromptAnswer]]]

TEMPLATE = "test://template/{id}/data"
_TEMPLATE_START, _TEMPLATE_END = "test://template/", "/data"

_TEXTS = {
    "test://static-text": "This is the content of the static text resource.",
    "test://watched-resource": "This resource can be watched.",
}
_PICTURE = "test://static-binary"

RESOURCES = [
    types.Resource(uri="test://static-text", name="static-text", description="A text", mime_type="text/plain"),
    types.Resource(uri=_PICTURE, name="static-binary", description="A picture", mime_type="image/png"),
    types.Resource(uri="test://watched-resource", name="watched", description="A text", mime_type="text/plain"),
]
TEMPLATES = [
    types.ResourceTemplate(
        uri_template=TEMPLATE, name="template", description="Data by id", mime_type="application/json"
    )
]


def read(uri: str) -> types.ReadResourceResult:
    """Return the contents of a resource, or refuse a name that is none (SEP-2164)."""
    if uri == _PICTURE:
        blob = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=png())
        return types.ReadResourceResult(contents=[blob])
    text, mime_type = _TEXTS.get(uri), "text/plain"
    if uri.startswith(_TEMPLATE_START) and uri.endswith(_TEMPLATE_END):
        number = uri[len(_TEMPLATE_START) : -len(_TEMPLATE_END)]
        text, mime_type = json.dumps({"id": number, "templateTest": True}), "application/json"
    if text is None:
        raise MCPError(types.INVALID_PARAMS, "There is no such resource", {"uri": uri})
    return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=mime_type, text=text)])


def _messages(*content: types.ContentBlock) -> types.GetPromptResult:
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=block) for block in content])


async def _simple(_: Context, __: types.GetPromptRequestParams) -> PromptAnswer:
    return _messages(types.TextContent(text="This is a simple prompt for testing."))


async def _with_arguments(_: Context, params: types.GetPromptRequestParams) -> PromptAnswer:
    given = params.arguments or {}
    return _messages(types.TextContent(text=f"arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'"))


async def _with_resource(_: Context, params: types.GetPromptRequestParams) -> PromptAnswer:
    uri = (params.arguments or {}).get("resourceUri", "test://static-text")
    resource = types.TextResourceContents(uri=uri, mime_type="text/plain", text="The text of that resource.")
    return _messages(
        types.EmbeddedResource(resource=resource), types.TextContent(text="Please read the resource above.")
    )


async def _with_image(_: Context, __: types.GetPromptRequestParams) -> PromptAnswer:
    return _messages(
        types.ImageContent(data=png(), mime_type="image/png"),
        types.TextContent(text="Please look at the picture above."),
    )


async def _asking(context: Context, params: types.GetPromptRequestParams) -> PromptAnswer:
    given = await answers(context, params, {"user_context": form("What should it be about?", CONTEXT)})
    if isinstance(given, types.InputRequiredResult):
        return given
    return _messages(types.TextContent(text=f"It is about: {entered(given['user_context']).get('context')}"))


def _prompt(
    name: str,
    description: str,
    run: Callable[[Context, types.GetPromptRequestParams], Awaitable[PromptAnswer]],
    *arguments: str,
) -> Prompt:
    wanted = [types.PromptArgument(name=argument, description=argument, required=True) for argument in arguments]
    return types.Prompt(name=name, description=description, arguments=wanted), run


EXTRA_PROMPT = _prompt("test_dynamic_prompt", "Comes and goes with test_trigger_prompt_change", _simple)

PROMPTS: tuple[Prompt, ...] = (
    _prompt("test_simple_prompt", "Has no arguments", _simple),
    _prompt("test_prompt_with_arguments", "Repeats its arguments", _with_arguments, "arg1", "arg2"),
    _prompt("test_prompt_with_embedded_resource", "Holds a resource", _with_resource, "resourceUri"),
    _prompt("test_prompt_with_image", "Holds a picture", _with_image),
    _prompt("test_input_required_result_prompt", "Asks before it answers", _asking),
)


def completion(argument: types.CompletionArgument) -> types.CompleteResult:
    """Return the known values that start with what was typed."""
    known = ["paris", "park", "party"]
    found = [value for value in known if value.startswith(argument.value)]
    return types.CompleteResult(completion=types.Completion(values=found, total=len(found), has_more=False))
