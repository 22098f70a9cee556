"""The tools that ask the client something: pushed requests in the handshake era, `input_required` in the modern one."""

import json
from collections.abc import Mapping
from typing import Any

import anyio
import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from tests.conformance.fixture_schemas import (
    CHOICES,
    COLOR,
    CONFIRMATION,
    CONTACT,
    DEFAULTS,
    NAME,
    object_schema,
    string,
)
from tests.conformance.fixture_tools import Call, Tool, ToolAnswer, log, said, tool

Questions = dict[str, types.InputRequest]
Answers = Mapping[str, types.InputResponse]


def form(message: str, schema: dict[str, Any]) -> types.ElicitRequest:
    """Return the question that shows the user a form."""
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(prompt: str, max_tokens: int = 100) -> types.CreateMessageRequest:
    """Return the question that goes to the client's model."""
    message = types.SamplingMessage(role="user", content=types.TextContent(text=prompt))
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens)
    )


def entered(answer: types.InputResponse) -> dict[str, Any]:
    """Return what the user filled in; nothing when declined."""
    return dict(answer.content or {}) if isinstance(answer, types.ElicitResult) else {}


def modern(context: ServerRequestContext[Any, Any]) -> bool:
    """Tell whether questions travel inside results here."""
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS


async def _pushed(context: ServerRequestContext[Any, Any], questions: Questions) -> Answers:
    """Put all questions at once: which of them is answered first is the client's own affair."""
    given: dict[str, types.InputResponse] = {}

    async def one(key: str, question: types.InputRequest) -> None:
        given[key] = await _put(context, question)

    async with anyio.create_task_group() as tasks:
        for key, question in questions.items():
            tasks.start_soon(one, key, question)
    return given


async def _put(context: ServerRequestContext[Any, Any], question: types.InputRequest) -> types.InputResponse:
    metadata = ServerMessageMetadata(related_request_id=context.request_id)
    match question:
        case types.ElicitRequest():
            return await context.session.send_request(question, types.ElicitResult, metadata=metadata)
        case types.CreateMessageRequest():
            return await context.session.send_request(question, types.CreateMessageResult, metadata=metadata)
        case types.ListRootsRequest():
            return await context.session.send_request(question, types.ListRootsResult, metadata=metadata)


async def answers(
    context: ServerRequestContext[Any, Any],
    params: types.InputResponseRequestParams,
    questions: Questions,
    state: str | None = None,
) -> Answers | types.InputRequiredResult:
    """Return the answers to all questions, or the result that asks for them."""
    if not modern(context):
        return await _pushed(context, questions)
    given = params.input_responses or {}
    if questions.keys() <= given.keys() and (state is None or params.request_state == state):
        return given
    return types.InputRequiredResult(input_requests=questions, request_state=state)


async def _asked(call: Call, questions: Questions, state: str | None = None) -> Answers | types.InputRequiredResult:
    return await answers(call.context, call.params, questions, state)


def _told(prefix: str, answer: types.InputResponse) -> ToolAnswer:
    action = answer.action if isinstance(answer, types.ElicitResult) else "none"
    return said(f"{prefix}: action={action}, content={json.dumps(entered(answer))}")


async def _sampling(call: Call) -> ToolAnswer:
    given = await _asked(call, {"answer": sampling(call.argument("prompt"))})
    return given if isinstance(given, types.InputRequiredResult) else said(f"LLM response: {_text(given['answer'])}")


def _text(answer: types.InputResponse) -> str:
    if isinstance(answer, types.CreateMessageResult) and isinstance(answer.content, types.TextContent):
        return answer.content.text
    return "nothing readable"


async def _elicitation(call: Call) -> ToolAnswer:
    given = await _asked(call, {"answer": form(call.argument("message"), CONTACT)})
    return given if isinstance(given, types.InputRequiredResult) else _told("User response", given["answer"])


async def _defaults(call: Call) -> ToolAnswer:
    given = await _asked(call, {"answer": form("Please look over these values", DEFAULTS)})
    return given if isinstance(given, types.InputRequiredResult) else _told("Elicitation completed", given["answer"])


async def _choices(call: Call) -> ToolAnswer:
    given = await _asked(call, {"answer": form("Please choose", CHOICES)})
    return given if isinstance(given, types.InputRequiredResult) else _told("Elicitation completed", given["answer"])


async def _streaming(call: Call) -> ToolAnswer:
    await call.context.session.report_progress(1, 2, "About to ask")
    await log(call, "About to ask")
    given = await _asked(call, {"answer": form("Please tell your name", NAME)})
    return given if isinstance(given, types.InputRequiredResult) else _told("User response", given["answer"])


async def _user_name(call: Call) -> ToolAnswer:
    given = await _asked(call, {"user_name": form("What is your name?", NAME)})
    if isinstance(given, types.InputRequiredResult):
        return given
    return said(f"Hello, {entered(given['user_name']).get('name', 'stranger')}!")


async def _capital(call: Call) -> ToolAnswer:
    given = await _asked(call, {"capital_question": sampling("What is the capital of France?")})
    return given if isinstance(given, types.InputRequiredResult) else said(_text(given["capital_question"]))


async def _roots(call: Call) -> ToolAnswer:
    given = await _asked(call, {"client_roots": types.ListRootsRequest()})
    if isinstance(given, types.InputRequiredResult):
        return given
    answer = given["client_roots"]
    return said(f"Roots: {len(answer.roots) if isinstance(answer, types.ListRootsResult) else 0}")


async def _state(call: Call) -> ToolAnswer:
    given = await _asked(call, {"confirm": form("Please confirm", CONFIRMATION)}, "awaiting-confirmation")
    return given if isinstance(given, types.InputRequiredResult) else said("state-ok: confirmed")


async def _several(call: Call) -> ToolAnswer:
    questions: Questions = {
        "user_name": form("What is your name?", NAME),
        "greeting": sampling("Say hello", 50),
        "client_roots": types.ListRootsRequest(),
    }
    given = await _asked(call, questions, "awaiting-three")
    return given if isinstance(given, types.InputRequiredResult) else said("All three answers arrived.")


async def _rounds(call: Call) -> ToolAnswer:
    name, color = form("Step 1: What is your name?", NAME), form("Step 2: Which colour?", COLOR)
    if not modern(call.context):
        first, second = await _pushed(call.context, {"step1": name}), await _pushed(call.context, {"step2": color})
        return said(f"{entered(first['step1']).get('name')} likes {entered(second['step2']).get('color')}.")
    state = json.loads(call.params.request_state or "{}")
    answered = call.params.input_responses or {}
    if state.get("round") == 1 and "step1" in answered:
        next_state = json.dumps({"round": 2, "name": entered(answered["step1"]).get("name")})
        return types.InputRequiredResult(input_requests={"step2": color}, request_state=next_state)
    if state.get("round") == 2 and "step2" in answered:
        return said(f"{state.get('name')} likes {entered(answered['step2']).get('color')}.")
    return types.InputRequiredResult(input_requests={"step1": name}, request_state=json.dumps({"round": 1}))


async def _capabilities(call: Call) -> ToolAnswer:
    declared = call.context.session.client_capabilities or types.ClientCapabilities()
    questions: Questions = {}
    if declared.sampling is not None:
        questions["sample"] = sampling("Say hello", 50)
    if declared.elicitation is not None:
        questions["ask"] = form("What is your name?", NAME)
    given = await _asked(call, questions, "as-declared")
    return given if isinstance(given, types.InputRequiredResult) else said(f"Answers: {sorted(given)}")


_PROMPT = object_schema(("prompt",), prompt=string("What to ask the model"))
_MESSAGE = object_schema(("message",), message=string("What to show the user"))
_ROUND_TRIP = "test_input_required_result_"

ASKING_TOOLS: tuple[Tool, ...] = (
    tool("test_sampling", "Asks the client's model", _sampling, _PROMPT),
    tool("test_elicitation", "Asks the user", _elicitation, _MESSAGE),
    tool("test_elicitation_sep1034_defaults", "Asks with default values", _defaults),
    tool("test_elicitation_sep1330_enums", "Asks with every kind of choice", _choices),
    tool("test_streaming_elicitation", "Reports, then asks the user", _streaming),
    tool(_ROUND_TRIP + "elicitation", "Asks for a name", _user_name),
    tool(_ROUND_TRIP + "sampling", "Asks the model for a capital", _capital),
    tool(_ROUND_TRIP + "list_roots", "Asks for the client's roots", _roots),
    tool(_ROUND_TRIP + "request_state", "Asks, and wants its state back", _state),
    tool(_ROUND_TRIP + "tampered_state", "Asks, and refuses a forged state", _state),
    tool(_ROUND_TRIP + "multiple_inputs", "Asks three things at once", _several),
    tool(_ROUND_TRIP + "multi_round", "Asks twice, one after the other", _rounds),
    tool(_ROUND_TRIP + "capabilities", "Asks only what the client can answer", _capabilities),
)
