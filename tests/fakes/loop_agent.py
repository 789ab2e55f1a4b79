"""A tool loop on the standard library alone: an agent for every kind that comes to the gateway.

As a program it reads its two doors from the environment; as a function it is given them.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from urllib.parse import urlsplit

MOST_CALLS = 60


class Client:
    """One kept connection to one address, JSON in and out."""

    def __init__(self, url, headers):
        parts = urlsplit(url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            **headers,
        }

    def post(self, body, path=""):
        self._connection.request("POST", self._path + path, json.dumps(body), self._headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        return response.status, json.loads(text) if text else None

    def close(self):
        self._connection.close()


class Tools:
    def __init__(self, url, headers):
        self._client = Client(url, headers)
        self._id = 0

    def request(self, method, **params):
        self._id += 1
        body = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        status, reply = self._client.post(body)
        if status != 200 or "result" not in reply:
            raise RuntimeError(f"{method}: {status} {reply}")
        return reply["result"]

    def close(self):
        self._client.close()


def run(task):
    """Work on one task: ask the model, carry out its calls, until it makes none."""
    tools = Tools(task["mcp_url"], task.get("mcp_headers") or {})
    model = Client(task["openai_base_url"], {"Authorization": f"Bearer {task['api_key']}"})
    try:
        offered = [
            {
                "type": "function",
                "function": {
                    "name": tool["name"],
                    "description": tool.get("description", ""),
                    "parameters": tool["inputSchema"],
                },
            }
            for tool in tools.request("tools/list")["tools"]
        ]
        messages = [{"role": "user", "content": task["instruction"]}]
        for _ in range(MOST_CALLS):
            body = {"model": task["model"], "messages": messages, "tools": offered}
            status, reply = model.post(body, "/chat/completions")
            if status != 200:
                raise RuntimeError(f"model: {status} {reply}")
            message = reply["choices"][0]["message"]
            messages.append(message)
            calls = message.get("tool_calls") or []
            for call in calls:
                given = json.loads(call["function"]["arguments"])
                result = tools.request("tools/call", name=call["function"]["name"], arguments=given)
                text = "".join(part.get("text", "") for part in result["content"])
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": text})
            if not calls:
                return message.get("content")
    finally:
        tools.close()
        model.close()
    return None


def main():
    env = os.environ
    token = env.get("AGENT_MCP_TOKEN")
    run(
        {
            "instruction": env["AGENT_INSTRUCTION"],
            "mcp_url": env["AGENT_MCP_URL"],
            "mcp_headers": {"Authorization": f"Bearer {token}"} if token else {},
            "openai_base_url": env["OPENAI_BASE_URL"],
            "api_key": env["OPENAI_API_KEY"],
            "model": env["AGENT_MODEL"],
        }
    )


if __name__ == "__main__":
    sys.exit(main())
