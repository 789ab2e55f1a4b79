"""The vendor's agent: it reads its task, makes one call, and hands in what that gave."""

import http.client
import json
import os
import re
from urllib.parse import urlsplit


def work(instruction, url, token=""):
    """Work on one task at an MCP server; return what was handed in."""
    server = urlsplit(url)

    def call(name, **arguments):
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": name, "arguments": arguments},
        }
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Authorization": f"Bearer {token}",
        }
        connection = http.client.HTTPConnection(server.hostname, server.port, timeout=60)
        connection.request("POST", server.path, json.dumps(body), headers)
        result = json.loads(connection.getresponse().read())["result"]
        connection.close()
        return json.loads(result["content"][0]["text"])

    lamp = re.search(r"([a-z]+/[a-z]+)\D+(\d+)", instruction)
    crate = re.search(r"(?:crate|箱子) ([a-z]+)", instruction)
    if os.environ.get("LAZY"):
        values = {"receipt": "none", "lamps": 0}
    elif lamp:
        values = call("dim", lamp=lamp[1], level=int(lamp[2]))
    else:
        values = call("count", crate=crate[1])
    call("submit_answer", status="done", values=values)
    return values


if __name__ == "__main__":
    work(
        os.environ["AGENT_INSTRUCTION"],
        os.environ["AGENT_MCP_URL"],
        os.environ.get("AGENT_MCP_TOKEN", ""),
    )
