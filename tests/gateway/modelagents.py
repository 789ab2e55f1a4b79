"""Agents for tests of the model door: the official clients, and a plain one."""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import anthropic
import openai

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.gateway import Gateway, Handle

TEXT = "Let me look. 看一看"
PATHS = {"chat": "chat/completions", "responses": "responses", "messages": "messages"}
TOOL = {
    "chat": {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}},
    "responses": {"type": "function", "name": "look", "parameters": {}, "strict": False},
    "messages": {"name": "look", "input_schema": {"type": "object"}},
}


class Agent:
    """The official client of a dialect, with the addresses of a handle."""

    def __init__(self, gateway: Gateway, handle: Handle, dialect: str, retries: int = 0) -> None:
        told = gateway.addresses(handle)
        self.dialect = dialect
        self.openai = openai.AsyncOpenAI(
            api_key=told.api_key,
            base_url=told.openai_base_url,
            max_retries=retries,
            # Loading the certificates that loopback has no use for takes longer than a test.
            http_client=openai.DefaultAsyncHttpxClient(verify=False),
        )
        self.anthropic = anthropic.AsyncAnthropic(
            api_key=told.api_key,
            base_url=told.anthropic_base_url,
            max_retries=retries,
            http_client=anthropic.DefaultAsyncHttpxClient(verify=False),
        )

    async def close(self) -> None:
        await self.openai.close()
        await self.anthropic.close()

    async def say(self, messages: list[dict[str, Any]], *, is_stream: bool = False, **more: Any):
        """Make one call; return the text, the arguments of its calls and the usage it tells."""
        more = {"model": "m-1", "tools": [TOOL[self.dialect]], **more}
        if self.dialect == "messages":
            more = {"max_tokens": 100, "messages": messages, **more}
            if not is_stream:
                return read_messages(await self.anthropic.messages.create(**more))
            async with self.anthropic.messages.stream(**more) as stream:
                return read_messages(await stream.get_final_message())
        if self.dialect == "responses":
            more["input"] = messages
            if not is_stream:
                return read_response(await self.openai.responses.create(**more))
            async with self.openai.responses.stream(**more) as stream:
                return read_response(await stream.get_final_response())
        more["messages"] = messages
        if not is_stream:
            reply = await self.openai.chat.completions.create(**more)
            message = reply.choices[0].message
            calls = [call.function.arguments for call in message.tool_calls or []]
            return message.content, calls, reply.usage
        text, arguments, usage = "", "", None
        async for chunk in await self.openai.chat.completions.create(stream=True, **more):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                for call in choice.delta.tool_calls or []:
                    arguments += call.function.arguments or ""
        return text, [arguments] if arguments else [], usage


def read_messages(reply: Any) -> tuple[str, list[str], Any]:
    text = "".join(block.text for block in reply.content if block.type == "text")
    calls = [json.dumps(block.input) for block in reply.content if block.type == "tool_use"]
    return text, calls, reply.usage


def read_response(reply: Any) -> tuple[str, list[str], Any]:
    calls = [item.arguments for item in reply.output if item.type == "function_call"]
    return reply.output_text, calls, reply.usage


@contextlib.asynccontextmanager
async def agent_of(gateway: Gateway, handle: Handle, dialect: str) -> AsyncIterator[Agent]:
    agent = Agent(gateway, handle, dialect)
    try:
        yield agent
    finally:
        await agent.close()


async def post(
    gateway: Gateway,
    handle: Handle,
    path: str,
    body: bytes | dict[str, Any],
    *,
    method: str = "POST",
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """Send a plain request with the handle's key."""
    told = gateway.addresses(handle)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"authorization": f"Bearer {told.api_key}", "content-type": "application/json"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, f"{told.anthropic_base_url}{path}", data=io.BytesIO(data), headers=named
        ) as reply,
    ):
        return reply.status, {n.lower(): v for n, v in reply.headers.items()}, await reply.read()


def user(text: str = "Hi") -> dict[str, Any]:
    return {"role": "user", "content": text}


def bare(dialect: str, *, is_stream: bool = False, text: str = "Hi") -> dict[str, Any]:
    """Return a request's body."""
    key = "input" if dialect == "responses" else "messages"
    body: dict[str, Any] = {"model": "m-1", key: [user(text)]}
    return body | ({"stream": True} if is_stream else {})
