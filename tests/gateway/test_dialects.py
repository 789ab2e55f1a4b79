"""What is taken out of requests in each dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.gateway.dialects import BY_PATH, CHAT, MESSAGES, RESPONSES, Speech
from tests.gateway.modelagents import bare, post
from tests.gateway.upstreams import DIALECTS, behind, dumps, spoken

SPEECHES = {speech.name: speech for speech in BY_PATH.values()}
FUNCTION = {"type": "function", "name": "look", "parameters": {}}
CUSTOM = {"type": "custom", "name": "patch"}


def read(speech: Speech, body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what is forwarded of a request, and what was stripped."""
    request = speech.read(dumps(body))
    return json.loads(request.body()), request.stripped


@pytest.mark.parametrize(
    ("speech", "tools", "kept", "stripped"),
    [
        (
            CHAT,
            [{"type": "function", "function": {"name": "a"}}, {"type": "web_search"}],
            [0],
            ["web_search"],
        ),
        (CHAT, [{"type": "builtin_function", "function": {"name": "$web_search"}}], [], None),
        (
            RESPONSES,
            [
                FUNCTION,
                {"type": "web_search_preview"},
                CUSTOM,
                {"type": "code_interpreter", "container": {"type": "auto"}},
                {"type": "file_search", "vector_store_ids": ["v"]},
                {"type": "computer_use_preview"},
                {"type": "image_generation"},
                {"type": "mcp", "server_url": "https://e.org"},
                {"type": "local_shell"},
                {"type": "shell", "environment": {"type": "container_auto"}},
                {"type": "shell", "environment": {"type": "local"}},
                {"type": "shell"},
            ],
            [0, 2, 8, 10],
            None,
        ),
        (
            MESSAGES,
            [
                {"name": "a", "input_schema": {}},
                {"type": "custom", "name": "b", "input_schema": {}},
                {"type": "web_search_20250305", "name": "web_search"},
                {"type": "web_fetch_20250910", "name": "web_fetch"},
                {"type": "code_execution_20250825", "name": "code_execution"},
                {"type": "mcp_toolset", "mcp_server_name": "m"},
                {"type": "bash_20250124", "name": "bash"},
                {"type": "text_editor_20250728", "name": "edit"},
            ],
            [0, 1, 6, 7],
            None,
        ),
    ],
)
def test_hosted_tools_are_taken_out(
    speech: Speech, tools: list[dict[str, Any]], kept: list[int], stripped: list[str] | None
) -> None:
    body = {"model": "m", "tools": tools, "temperature": 1.5}
    passed, told = read(speech, body)
    left = [tools[n] for n in kept]
    assert passed.get("tools", []) == left
    gone = [str(tool["type"]) for tool in tools if tool not in left]
    assert told == (stripped or list(dict.fromkeys(gone)))
    assert passed["temperature"] == 1.5
    assert speech.read(dumps(body)).tools == len(kept)


def test_tools_in_a_namespace() -> None:
    space = {"type": "namespace", "name": "n", "tools": [FUNCTION, {"type": "web_search"}]}
    passed, told = read(RESPONSES, {"tools": [space]})
    assert passed["tools"] == [{**space, "tools": [FUNCTION]}]
    assert told == ["web_search"]
    body = {"tools": [{**space, "tools": [FUNCTION]}]}
    assert RESPONSES.read(dumps(body)).body() == dumps(body)


def test_a_choice_of_a_tool_goes_with_the_tool() -> None:
    search = {"type": "web_search"}
    passed, _ = read(RESPONSES, {"tools": [FUNCTION, search], "tool_choice": search})
    assert passed == {"tools": [FUNCTION]}
    choice = {"type": "function", "name": "look"}
    passed, _ = read(RESPONSES, {"tools": [FUNCTION, search], "tool_choice": choice})
    assert passed["tool_choice"] == choice
    hosted = {"type": "web_search_20250305", "name": "web_search"}
    named = {"type": "tool", "name": "web_search"}
    own = {"name": "look", "input_schema": {}}
    passed, _ = read(MESSAGES, {"tools": [own, hosted], "tool_choice": named})
    assert passed == {"tools": [own]}
    passed, _ = read(
        RESPONSES, {"tools": [search], "tool_choice": "required", "parallel_tool_calls": True}
    )
    assert passed == {}


@pytest.mark.parametrize(
    ("speech", "name", "value"),
    [
        (CHAT, "web_search_options", {}),
        (CHAT, "enable_search", True),
        (CHAT, "plugins", [{"id": "web"}]),
        (RESPONSES, "conversation", "c"),
        (RESPONSES, "prompt", {"id": "p"}),
        (RESPONSES, "background", True),
        (MESSAGES, "mcp_servers", [{"url": "https://e.org"}]),
        (MESSAGES, "container", "c"),
    ],
)
def test_hosted_members_are_taken_out(speech: Speech, name: str, value: Any) -> None:
    assert read(speech, {"model": "m", name: value}) == ({"model": "m"}, [name])


@pytest.mark.parametrize("speech", SPEECHES.values(), ids=DIALECTS)
def test_a_search_in_a_models_name(speech: Speech) -> None:
    assert read(speech, {"model": "a/b:online"}) == ({"model": "a/b"}, [":online"])


WEB = "https://e.org/x.png"
INLINE = "data:image/png;base64,AA=="
REMOTE = [
    (CHAT, {"type": "image_url", "image_url": {"url": WEB}}, "image_url"),
    (CHAT, {"image_url": WEB}, "image_url"),
    (CHAT, {"type": "image_url", "image_url": {"url": "file:///etc/x"}}, "image_url"),
    (CHAT, {"type": "video_url", "video_url": {"url": WEB}}, "video_url"),
    (CHAT, {"type": "file", "file": {"file_id": "f"}}, "file_id"),
    (RESPONSES, {"type": "input_image", "image_url": WEB}, "image_url"),
    (RESPONSES, {"type": "input_image", "file_id": "f"}, "file_id"),
    (RESPONSES, {"type": "input_file", "file_url": WEB}, "file_url"),
    (MESSAGES, {"type": "image", "source": {"type": "url", "url": WEB}}, "image by url"),
    (
        MESSAGES,
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
        "document by file",
    ),
    (MESSAGES, {"type": "container_upload", "file_id": "f"}, "file_id"),
]
LOCAL = [
    (CHAT, {"type": "image_url", "image_url": {"url": INLINE}}),
    (CHAT, {"type": "text", "text": f"image_url {WEB} file_id"}),
    (CHAT, {"type": "file", "file": {"file_data": INLINE, "filename": "a.pdf"}}),
    (RESPONSES, {"type": "input_image", "image_url": INLINE}),
    (MESSAGES, {"type": "image", "source": {"type": "base64", "data": "AA=="}}),
    (MESSAGES, {"type": "tool_use", "input": {"content": [{"image_url": WEB}]}, "name": "x"}),
]


def holding(speech: Speech, part: Any, *, is_deep: bool = False) -> dict[str, Any]:
    if speech is RESPONSES and is_deep:
        items: list[Any] = [{"type": "function_call_output", "call_id": "c", "output": [part]}]
    elif is_deep:
        items = [{"role": "user", "content": [{"type": "tool_result", "content": [part]}]}]
    else:
        items = [{"role": "user", "content": [part]}]
    return {"input" if speech is RESPONSES else "messages": [{"role": "user"}, *items]}


@pytest.mark.parametrize("is_deep", [False, True])
@pytest.mark.parametrize(("speech", "part", "kind"), REMOTE)
def test_remote_parts_become_a_text(speech: Speech, part: Any, kind: str, *, is_deep: bool) -> None:
    passed, told = read(speech, holding(speech, part, is_deep=is_deep))
    text = {
        "type": "input_text" if speech is RESPONSES else "text",
        "text": f"[taken out by the suite: {kind} at a remote address]",
    }
    assert passed == holding(speech, text, is_deep=is_deep)
    assert told == [kind]


def test_an_escape_hides_nothing() -> None:
    body = dumps(holding(CHAT, {"image_url": WEB})).replace(b"image_url", b"\\u0069mage\\u005furl")
    assert CHAT.read(body).stripped == ["image_url"]


@pytest.mark.parametrize(("speech", "part"), LOCAL)
def test_what_the_agent_sent_itself_stays(speech: Speech, part: Any) -> None:
    body = dumps(holding(speech, part))
    request = speech.read(body)
    assert (request.body(), request.stripped) == (body, [])


async def test_what_was_taken_out_is_recorded_and_noted_once() -> None:
    body = bare("chat") | {"tools": [{"type": "web_search"}], "plugins": []}
    async with behind(spoken("chat")) as (gateway, handle, endpoint, doors):
        for _ in range(2):
            await post(gateway, handle, "/v1/chat/completions", body)
    assert endpoint.got[0].body == bare("chat")
    assert [call.stripped for call in doors.model_calls] == [["plugins", "web_search"]] * 2
    assert doors.model_calls[0].tools == 0
    assert doors.notes == [("hosted_tools_stripped", {"types": ["plugins", "web_search"]})]


async def test_only_responses_of_the_same_handle_are_gone_on_from() -> None:
    body = {"model": "m-1", "input": "Hi"}
    more = body | {"previous_response_id": "resp_1"}
    item = body | {"input": [{"type": "item_reference", "id": "msg_1"}]}
    async with behind(spoken("responses")) as (gateway, handle, endpoint, doors):
        for unknown in (more, item):
            status, _, told = await post(gateway, handle, "/v1/responses", unknown)
            error = json.loads(told)["error"]
            assert (status, error["code"]) == (400, "previous_response_not_found")
        assert endpoint.got == []
        for known in (body, more, item):
            assert (await post(gateway, handle, "/v1/responses", known))[0] == 200
        assert endpoint.got[1].body == more
        with gateway.handle(handle.task, doors) as other:
            assert (await post(gateway, other, "/v1/responses", more))[0] == 400
