"""``command:`` and ``python:`` agents: what they are told, and what comes of how they end."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.agents import function_runner
from conformance.agents.contract import AgentFailedError, Store, SuiteFailedError, TaskView
from conformance.agents.environment import PLACEHOLDERS, VARIABLES
from conformance.agents.exits import LARGEST_RESULT
from conformance.agents.function import FunctionTransport
from conformance.agents.process import ProcessTransport, Setup
from conformance.errors import AgentUnavailableError, UsageError
from conformance.gateway import Gateway, Upstream
from conformance.sandbox.contract import SandboxBrokenError
from tests.fakes.doors import FakeDoors, task
from tests.fakes.launcher import FakeLauncher
from tests.fakes.outside import reached

PYTHON = f"{shlex.quote(sys.executable)} -I -S"
DONE = {"status": "done", "values": {"load": 25}}
NOWHERE = Upstream("some-model", "http://127.0.0.1:9/v1")
SUITE_ONLY = "LIKE_THE_UPSTREAM_KEY"


def opened(transport: ProcessTransport, upstream: Upstream | None = None):
    return reached(transport, Gateway(upstream))


class Folder:
    """An agent's folder, and one run of what lies in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.launcher = FakeLauncher()
        self.doors = FakeDoors()
        self.upstream: Upstream | None = None

    def setup(self, **more: Any) -> Setup:
        return Setup(self.path, **more)

    def command(self, code: str, words: str = "", **more: Any) -> ProcessTransport:
        (self.path / "agent.py").write_text(code)
        return ProcessTransport(f"{PYTHON} agent.py {words}", self.setup(**more), self.launcher)

    def function(self, code: str, name: str = "agent:run", **more: Any) -> FunctionTransport:
        (self.path / "agent.py").write_text(code)
        return FunctionTransport(name, self.setup(**more), self.launcher)

    async def run(self, transport: ProcessTransport, view: TaskView | None = None) -> FakeDoors:
        async with opened(transport, self.upstream) as agent:
            await agent.run(view or task(), self.doors, None)
        return self.doors

    def noted(self, kind: str) -> list[dict[str, Any]]:
        return [details for name, details in self.doors.notes if name == kind]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv(SUITE_ONLY, "hush")
    return Folder(tmp_path)


TELLS = """
import json, os, sys
with open("told.json", "w") as file:
    json.dump([dict(os.environ), sys.argv[1:]], file)
"""


async def told(here: Folder, words: str = "", view: TaskView | None = None, **more: Any):
    await here.run(here.command(TELLS, words, **more), view)
    return json.loads((here.path / "told.json").read_text())


async def test_a_program_is_told_what_the_table_says_and_nothing_is_inherited(here):
    here.upstream = NOWHERE
    env, _ = await told(here)
    # What the interpreter adds to its own environment is not the suite's.
    assert set(env) - {"HOME", "TMPDIR", "LC_CTYPE"} == set(VARIABLES) - {
        "AGENT_SEAT",
        "AGENT_STORE",
    }
    assert env["AGENT_INSTRUCTION"].startswith("What is the load of rack R1?")
    assert "submit_answer" in env["AGENT_INSTRUCTION"]
    assert (env["AGENT_LANG"], env["AGENT_TRIAL"]) == ("en", "t1")
    assert json.loads(env["AGENT_LIMITS"])["tool_calls"] == 120
    assert env["AGENT_MODEL"] == "some-model"
    assert env["OPENAI_BASE_URL"] == env["ANTHROPIC_BASE_URL"] + "/v1"
    assert env["OPENAI_API_KEY"] == env["ANTHROPIC_API_KEY"] == env["AGENT_MCP_TOKEN"]
    assert str(Path(sys.executable).parent) in env["PATH"].split(":")


async def test_without_a_model_none_is_told_of(here):
    env, _ = await told(here)
    model = {name for name in VARIABLES if name.startswith(("OPENAI", "ANTHROPIC"))}
    assert not {*model, "AGENT_MODEL"} & set(env)


async def test_sessions_have_a_seat_and_a_store(here):
    store = Store()
    view = msgspec.structs.replace(task(), seat="s2", store=store)
    env, _ = await told(here, view=view)
    assert (env["AGENT_SEAT"], env["AGENT_STORE"]) == ("s2", str(store.folder))
    assert here.launcher.launched[-1].writable == (store.folder,)
    store.clear()


async def test_what_the_agent_s_file_names_is_passed_on(here, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "hush-hush")
    env, _ = await told(
        here, env=("NOT_THERE", SUITE_ONLY), secrets=("MY_TOKEN",), set={"QUIET": "1"}
    )
    assert (env[SUITE_ONLY], env["MY_TOKEN"], env["QUIET"]) == ("hush", "hush-hush", "1")
    assert "NOT_THERE" not in env


async def test_the_words_of_a_command_are_templates(here):
    here.upstream = NOWHERE
    words = " ".join(f"{{{name}}}" for name in PLACEHOLDERS) + " 'a={task} {{x}}'"
    env, given = await told(here, words)
    expected = [env.get(variable, "") for variable in PLACEHOLDERS.values()]
    assert given == [*expected, f"a={env['AGENT_INSTRUCTION']} {{x}}"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("agent {tsak}", "there is no placeholder {tsak}"),
        ("agent {}", "there is no placeholder {}"),
        ("agent {task!r}", "there is no placeholder {task!r}"),
        ("agent '{\"a\": 1}'", "there is no placeholder"),
        ("agent {", "there is no placeholder"),
        ("agent 'open", "No closing quotation"),
        ("", "is empty"),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused_before_anything_runs(tmp_path, command, said):
    with pytest.raises(UsageError) as caught:
        ProcessTransport(command, Setup(tmp_path))
    assert said in str(caught.value)


async def refused(transport: ProcessTransport, upstream: Upstream | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        async with opened(transport, upstream):
            pass
    return str(caught.value)


async def test_a_program_that_is_not_there_is_told_before_the_first_trial(here):
    transport = ProcessTransport("no-such-agent {task}", here.setup(), here.launcher)
    text = await refused(transport)
    assert text.startswith("PATH: there is no program 'no-such-agent' — install it")
    (here.path / "agent.sh").write_text("#!/bin/sh\n")
    for name, why in (("./agent.sh", "cannot be run"), ("./other.sh", "is not there")):
        text = await refused(ProcessTransport(name, here.setup(), here.launcher))
        assert f"{here.path}/{name[2:]}: {why}" in text
    assert here.launcher.launched == []


async def test_of_a_program_in_an_image_nothing_is_looked_for_here(here):
    here.launcher.name = "docker"
    async with opened(ProcessTransport("no-such-agent", here.setup(), here.launcher)):
        pass
    (program,) = here.launcher.launched
    assert program.argv[0] == "python3"
    assert program.env["AGENT_TOOL"].startswith("python3 ")
    assert "PATH" not in program.env


async def test_a_model_that_is_not_there_cannot_be_named(here):
    text = await refused(here.command("", "{base}"))
    assert "{base} stands for nothing" in text
    assert "--model" in text


async def test_a_secret_that_is_not_set_is_told(here):
    assert "NO_SUCH_TOKEN is not set" in await refused(here.command("", secrets=("NO_SUCH_TOKEN",)))


CALLS = """
import json, os, subprocess, shlex
tool = shlex.split(os.environ["AGENT_TOOL"])
out = subprocess.run([*tool, "look", '{"rack": "R1"}'], check=True, capture_output=True).stdout
answer = {"status": "done", "values": {"load": json.loads(out)["load"]}}
"""


async def test_a_program_calls_tools_by_the_shim_and_hands_in_by_them(here):
    code = CALLS + 'subprocess.run([*tool, "submit_answer", json.dumps(answer)], check=True)'
    doors = await here.run(here.command(code))
    assert [call.name for call in doors.called] == ["look", "submit_answer"]
    assert (doors.channel, doors.answer.values) == ("submit_answer", {"load": 25})


async def test_the_stdio_server_is_the_same_tools_door(here):
    code = """
import json, os, shlex, subprocess
from urllib.parse import urlsplit
server = subprocess.Popen(shlex.split(os.environ["AGENT_MCP_STDIO"]), stdin=-1, stdout=-1)
ask = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion":
    "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}}
out, _ = server.communicate(json.dumps(ask).encode() + b"\\n")
assert json.loads(out)["result"]["serverInfo"], out
config = json.load(open(os.environ["AGENT_MCP_CONFIG"]))["mcpServers"]["env"]
assert config["url"] == os.environ["AGENT_MCP_URL"] and config["type"] == "http"
assert config["headers"]["Authorization"] == "Bearer " + os.environ["AGENT_MCP_TOKEN"]
"""
    await here.run(here.command(code))
    assert here.noted("exit") == [{"code": 0, "killed_for": None}]


async def test_a_result_file_is_an_answer(here):
    code = CALLS + 'json.dump(answer, open(os.environ["AGENT_RESULT"], "w"))'
    doors = await here.run(here.command(code))
    assert (doors.channel, doors.answer.values) == ("result", {"load": 25})


async def test_what_it_printed_is_an_answer_where_it_is_one_as_a_whole(here):
    doors = await here.run(here.command(f"print({json.dumps(DONE)!r})"))
    assert (doors.channel, doors.answer.values) == ("final message", {"load": 25})


async def test_prose_is_no_answer(here):
    doors = await here.run(here.command(f"print('It is: ' + {json.dumps(DONE)!r})"))
    assert doors.answer is None
    assert here.noted("no_answer") == []
    assert here.noted("agent_output")[0]["text"].startswith("It is: ")


ODD_RESULTS = {
    "large": (f"open(R, 'w').write('1' * {LARGEST_RESULT + 1})", "it is larger than"),
    "no JSON": ("open(R, 'w').write('{')", "it is not JSON"),
    "too deep": ("open(R, 'w').write('[' * 100000)", "it is not JSON"),
    "no text": ("open(R, 'wb').write(b'\"\\xff\"')", "it is not JSON"),
    "a link": ("open('x.json', 'w').write('{}'); os.symlink(os.path.abspath('x.json'), R)", "link"),
    "a folder": ("os.mkdir(R)", "it is no file"),
    "a pipe": ("os.mkfifo(R)", "it is no file"),
    "a socket": ("socket.socket(socket.AF_UNIX).bind(R)", "it cannot be read"),
    "not to be read": ("open(R, 'w').write('{}'); os.chmod(R, 0)", ""),
}


@pytest.mark.parametrize("name", ODD_RESULTS)
async def test_a_result_that_is_none_is_no_answer(here, name):
    code, why = ODD_RESULTS[name]
    if name == "not to be read" and os.geteuid() == 0:
        pytest.skip("root may read anything")
    await here.run(here.command(f"import os, socket\nR = os.environ['AGENT_RESULT']\n{code}"))
    assert here.doors.answer is None
    assert why in here.noted("no_result")[0]["why"]


async def test_a_result_that_is_json_but_no_answer_is_noted(here):
    await here.run(here.command("import os; open(os.environ['AGENT_RESULT'], 'w').write('[1]')"))
    assert here.noted("no_answer")[0]["why"] == "it is no JSON object"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('a\\nlast words')", "exit 1: a | last words"),
        ("raise SystemExit(3)", "exit 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
    ],
)
async def test_a_program_that_fails_is_the_agent_s_failure(here, code, said):
    with pytest.raises(AgentFailedError) as caught:
        await here.run(here.command(code))
    assert (str(caught.value), caught.value.cause) == (said, "agent_error")


@pytest.mark.parametrize("text", ["#!/no/such/interpreter\n", "no program at all"])
async def test_a_program_that_cannot_be_started_is_the_agent_s_failure(here, text):
    (here.path / "agent").write_text(text)
    (here.path / "agent").chmod(0o755)
    with pytest.raises(AgentFailedError, match="cannot be started"):
        await here.run(ProcessTransport("./agent", here.setup(), here.launcher))


async def test_a_sandbox_that_breaks_is_the_suite_s_failure(here, monkeypatch):
    async def breaks(program, door):
        raise SandboxBrokenError("no namespace")

    transport = here.command("")
    async with opened(transport) as agent:
        monkeypatch.setattr(here.launcher, "launch", breaks)
        with pytest.raises(SuiteFailedError, match="no namespace"):
            await agent.run(task(), here.doors, None)


async def test_a_sandbox_that_does_not_work_at_all_is_told_at_once(here, monkeypatch):
    def breaks(door):
        raise SandboxBrokenError("no namespace")

    monkeypatch.setattr(here.launcher, "self_test", breaks)
    with pytest.raises(AgentUnavailableError, match="no namespace"):
        await here.run(here.command(""))


async def test_a_program_that_does_not_end_is_ended_with_all_it_started(here):
    code = """
import subprocess, sys, time, os
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
os.rename("pids", "pids.txt")
time.sleep(600)
"""
    async with opened(here.command(code)) as agent:
        work = asyncio.create_task(agent.run(task(), here.doors, None))
        pids = await asyncio.to_thread(_pids, here.path / "pids.txt")
        work.cancel()
        await asyncio.wait({work})
    assert not any(map(_command, pids))
    assert here.noted("exit")[0]["code"] == -signal.SIGTERM


def _pids(path: Path) -> list[int]:
    while not path.exists():
        time.sleep(0.01)
    return list(map(int, path.read_text().split()))


def _command(pid: int) -> bytes:
    """Return what a process runs; nothing where it is dead."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


async def test_a_work_folder_is_gone_with_its_start(here):
    await here.run(here.command("import os; os.makedirs(os.environ['AGENT_WORK'] + '/a/b')"))
    assert not any(program.work.exists() for program in here.launcher.launched)


async def test_what_it_says_is_noted_by_its_end(here):
    await here.run(here.command("print('x' * 100000 + 'the end')"))
    text = here.noted("agent_output")[0]["text"]
    assert len(text) <= 4000
    assert text.strip().endswith("the end")


CLASSES = {
    "held": (True, (), NOWHERE, "jailed"),
    "leaks": (True, ("reach out",), NOWHERE, "observed"),
    "no jail": (False, (), NOWHERE, "observed"),
    "own model": (True, (), None, "observed"),
}


@pytest.mark.parametrize("name", CLASSES)
async def test_the_evidence_class_follows_from_the_jail_and_the_model(here, name):
    is_jail, leaks, upstream, expected = CLASSES[name]
    here.launcher = FakeLauncher(is_jail=is_jail, leaks=leaks)
    async with opened(here.command(""), upstream) as agent:
        await agent.run(task(), here.doors, None)
        assert agent.evidence_class == expected
        described = agent.describe()
    held = is_jail and not leaks
    assert described["sandbox"] == {
        "provider": "fake",
        "version": "1",
        "held": held,
        "leaks": list(leaks),
    }
    assert here.noted("sandbox") == [{"provider": "fake", "held": held}]


async def test_a_description_says_what_is_run(here):
    async with opened(here.command("", "{task}")) as agent:
        assert agent.describe()["command"] == f"{PYTHON} agent.py {{task}}"
    async with opened(here.function("def run(task): pass")) as agent:
        described = agent.describe()
    assert (described["kind"], described["function"]) == ("python", "agent:run")


RETURNS = {
    "a dict": "def run(task): return {'status': 'done', 'values': {'load': 25}}",
    "a text": """def run(task): return '{"status": "done", "values": {"load": 25}}'""",
    "async": "async def run(task): return {'status': 'done', 'values': {'load': 25}}",
}


@pytest.mark.parametrize("name", RETURNS)
async def test_what_a_function_returns_is_its_answer(here, name):
    doors = await here.run(here.function(RETURNS[name]))
    assert (doors.channel, doors.answer.values) == ("result", {"load": 25})


async def test_a_function_gets_its_task(here):
    here.upstream = NOWHERE
    store = Store()
    view = msgspec.structs.replace(task(), seat="s1", store=store)
    code = "import json\ndef run(task): json.dump(task, open('told.json', 'w'))"
    await here.run(here.function(code), view)
    given = json.loads((here.path / "told.json").read_text())
    assert given["instruction"].startswith("What is the load of rack R1?")
    assert given["mcp_url"].endswith("/mcp")
    assert given["openai_base_url"] == given["anthropic_base_url"] + "/v1"
    assert given["mcp_headers"] == {"Authorization": f"Bearer {given['api_key']}"}
    assert given["limits"]["model_calls"] == 60
    assert (given["seat"], given["model"], given["lang"]) == ("s1", "some-model", "en")
    assert given["store"] == str(store.folder)
    store.clear()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def run(task): raise ValueError('oh no')", "ValueError: oh no"),
        ("def run(task): return 3", "returned int"),
        ("def run(): pass", "TypeError"),
    ],
)
async def test_a_function_that_fails_is_the_agent_s_failure(here, code, said):
    with pytest.raises(AgentFailedError, match=said):
        await here.run(here.function(code))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("other:run", "No module named 'other'"),
        ("agent:walk", "has no attribute 'walk'"),
        ("agent:number", "agent:number cannot be called"),
        ("agent:Inner.run", None),
    ],
)
async def test_a_function_is_looked_for_before_the_first_trial(here, name, said):
    code = "number = 3\nclass Inner:\n    @staticmethod\n    def run(task): pass"
    transport = here.function(code, name)
    if said is None:
        await here.run(transport)
        return
    text = await refused(transport)
    assert said in text
    assert f"python:{name}: " in text


@pytest.mark.parametrize("value", ["agent", "agent:", ":run", "agent.py:run()", "a b:c"])
def test_a_value_that_names_no_function_is_refused(tmp_path, value):
    with pytest.raises(UsageError, match="names no function of a module"):
        FunctionTransport(value, Setup(tmp_path))


async def test_a_module_that_makes_its_client_when_imported_is_found(here):
    here.upstream = NOWHERE
    code = "import os\nkey = os.environ['OPENAI_API_KEY']\ndef run(task): pass"
    await here.run(here.function(code))


async def test_a_function_runs_in_the_agent_s_own_interpreter(here):
    own = here.path / "own-python"
    own.write_text(f'#!/bin/sh\nOWN=1 exec {shlex.quote(sys.executable)} "$@"\n')
    own.chmod(0o755)
    code = "import os\ndef run(task): assert os.environ['OWN'] == '1'"
    await here.run(here.function(code, python="./own-python"))


def test_the_runner_needs_nothing_but_python_3_8():
    source = Path(function_runner.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [node.names[0].name])
    }
    assert imported <= sys.stdlib_module_names
