# ruff: noqa: T201 - a program
"""The official MCP conformance checks, run on the tools door: ``python -m tests.gateway.official``.

They come from npm (``@modelcontextprotocol/conformance``), so this is no part of the test suite.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.gateway.world import CannedDoors, at_the_doors, offering, plain_tool

CHECKS = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
NODE = "node@22"
"""What runs them where the machine's own Node.js is older."""
OLDEST_NODE = 22
LIMIT_S = 300

VERSIONS = ("2025-06-18", "2025-11-25", "2026-07-28")
_ALL, _SINCE_NOV, _MODERN, _HANDSHAKE = VERSIONS, VERSIONS[1:], VERSIONS[2:], VERSIONS[:2]
APPLY = {
    "server-initialize": _HANDSHAKE,
    "server-stateless": _MODERN,
    "ping": _HANDSHAKE,
    "tools-list": _ALL,
    "tools-call-simple-text": _ALL,
    "tools-call-error": _ALL,
    "json-schema-2020-12": _SINCE_NOV,
    "server-sse-multiple-streams": _MODERN,
    "dns-rebinding-protection": _SINCE_NOV,
    "caching": _MODERN,
    "http-header-validation": _MODERN,
    "input-required-result-unsupported-methods": _MODERN,
    "input-required-result-ignore-extra-params": _MODERN,
}
"""Scenarios that must pass, and the versions at which they say anything of the door."""

_NEEDS_CAPABILITY = "no tool of a world needs anything of the client"
_NO_PROMPTS = "there are no prompts"
_NO_RESOURCES = "there are no resources"
EXEMPT = {
    "sep-2575-server-rejects-undeclared-capability": _NEEDS_CAPABILITY,
    "sep-2575-missing-capability-http-400": _NEEDS_CAPABILITY,
    "sep-2549-prompts-list-caching-hints": _NO_PROMPTS,
    "sep-2549-resources-list-caching-hints": _NO_RESOURCES,
    "sep-2549-resources-templates-list-caching-hints": _NO_RESOURCES,
}
"""Single checks of those scenarios that do not apply, and why."""

_ONE_BLOCK = "a result is one block of JSON text"
_NO_QUESTIONS = "the world's questions are tools; nothing is asked of the client"
DO_NOT_APPLY = {
    "completion-complete": "there is nothing to complete",
    "elicitation-.*": _NO_QUESTIONS,
    "http-custom-header-server-validation": "no tool of a world wants an argument in a header",
    "input-required-result-.*": _NO_QUESTIONS,
    "logging-set-level": "nothing is logged to the client",
    "prompts-.*": _NO_PROMPTS,
    "resources-.*": _NO_RESOURCES,
    "sep-2164-resource-not-found": _NO_RESOURCES,
    "sep-2640-skills-.*": "there are no skills",
    "server-(session-lifecycle|sse-multiple-streams)": "the protocol's sessions are not used",
    "server-sse-polling": "an answer is JSON, never a stream to come back to",
    "tasks-.*": "a call is answered when it is done; it is no task to ask after",
    "tools-call-(audio|embedded-resource|image|mixed-content)": _ONE_BLOCK,
    "tools-call-(elicitation|sampling)": _NO_QUESTIONS,
    "tools-call-with-(logging|progress)": "an answer is JSON, with nothing ahead of it",
}
"""Scenarios (patterns) that are for what the door does not offer, and why."""

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


async def main() -> int:
    """Run the checks at each version and print what came of them; return the exit code."""
    doors = CannedDoors(
        {
            "test_simple_text": "This is a simple text response for testing.",
            "test_error_handling": {"error": "intended", "message": "This always fails."},
        }
    )
    doors.errors = {"test_error_handling"}
    tools = [
        plain_tool("test_simple_text"),
        plain_tool("test_error_handling"),
        plain_tool("json_schema_2020_12_tool", SCHEMA),
    ]
    failed: list[str] = []
    async with at_the_doors(doors, offering(*tools)) as (gateway, handle):
        url = gateway.addresses(handle).mcp_url
        for version in VERSIONS:
            results = await asyncio.to_thread(_run, url, version)
            failed += _judge(version, results)
    print(*failed, sep="\n")
    return 1 if failed else 0


def _run(url: str, version: str) -> dict[str, list[dict[str, Any]]]:
    """Run all scenarios there are for one version; return their checks."""
    packages = [CHECKS] if _node() >= OLDEST_NODE else [NODE, CHECKS]
    wanted = [word for package in packages for word in ("--package", package)]
    options = ["--url", url, "--suite", "all", "--spec-version", version]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npx", "--yes", *wanted, "--", "conformance", "server", *options, "-o", folder],
            check=False,  # it fails on what does not apply
            stdout=subprocess.DEVNULL,
            timeout=LIMIT_S,
        )
        return {
            re.sub(r"^server-|-\d{4}-\d\d-\d\dT.*$", "", path.parent.name): json.loads(
                path.read_text(encoding="utf-8")
            )
            for path in sorted(Path(folder).glob("*/checks.json"))
        }


def _node() -> int:
    """Return the main version of the machine's Node.js; 0 where there is none."""
    node = shutil.which("node")
    if node is None:
        return 0
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.lstrip("v").split(".")[0])


def _judge(version: str, results: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Print a line a scenario; return what failed."""
    expected = {scenario for scenario, versions in APPLY.items() if version in versions}
    failed = [f"{version}: {scenario} did not run" for scenario in expected - results.keys()]
    for scenario, checks in results.items():
        if scenario not in expected:
            reason = next((r for p, r in DO_NOT_APPLY.items() if re.fullmatch(p, scenario)), None)
            print(f"{version}  n/a   {scenario}: {reason}")
            if reason is None:
                failed.append(f"{version}: {scenario} is in neither list")
            continue
        passed = sum(check["status"] == "SUCCESS" for check in checks)
        bad = [
            f"{version}: {scenario}: {check['id']}: {check.get('errorMessage')}"
            for check in checks
            if check["status"] in ("FAILURE", "WARNING") and check["id"] not in EXEMPT
        ]
        if not passed:
            bad.append(f"{version}: {scenario}: nothing was checked")
        print(f"{version}  {'FAIL' if bad else 'pass'}  {scenario}: {passed} checks passed")
        failed += bad
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
