"""``agent.toml``: what it may say, and how its mistakes are told."""

import hashlib
import sys
import tomllib
from pathlib import Path

import jsonschema
import msgspec
import pytest

from conformance.agents.agentfile import VALUES, AgentFile, read_agent_file, template
from conformance.errors import UsageError
from conformance.evidence.schema_files import make_schemas

WHOLE = """\
[agent]
name = "Ledger clerk"
version = "2.1"
vendor = "Example"

[reach]
kind = "command"
command = "bin/clerk {task}"
folder = "app"
files = ["../shared"]
env = ["LANG_PACK"]
secrets = ["CLERK_TOKEN"]
set = {QUIET = "1"}
sandbox = "none"

[limits]
memory_mib = 512
processes = 64

[hardware]
accelerator = "8 GPUs"

[model]
name = "qwen3"

[ics]
denied = ["sessions"]
own_tools = true
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(text)
    return path


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        read_agent_file(written(tmp_path, text))
    return str(caught.value).replace(str(tmp_path), "")


def reach(text: str) -> str:
    return f'[agent]\nname = "a"\nversion = "1"\n\n[reach]\n{text}\n'


@pytest.mark.parametrize("kind", VALUES)
def test_each_template_is_an_agent_file_and_fits_the_schema(tmp_path, kind):
    known = read_agent_file(written(tmp_path, template(kind)))
    assert known.file.reach.kind == kind
    schema = msgspec.json.decode(make_schemas()["agent.schema.json"])
    jsonschema.validate(tomllib.loads(template(kind)), schema)


@pytest.mark.parametrize("kind", VALUES)
def test_what_a_template_has_commented_out_is_right_too(tmp_path, kind):
    text = template(kind)
    lines = [
        line[2:] if line.startswith("# ") and " = " in line else line for line in text.splitlines()
    ]
    known = read_agent_file(written(tmp_path, "\n".join(lines)))
    assert known.file.ics.sessions is True


def test_the_whole_file_is_read(tmp_path):
    path = written(tmp_path, WHOLE)
    known = read_agent_file(path)
    setup = known.setup()
    assert known.value == "bin/clerk {task}"
    assert setup.folder == (tmp_path / "app").resolve()
    assert setup.files == ((tmp_path / "../shared").resolve(),)
    assert setup.limits.memory_bytes == 512 * 2**20
    assert setup.limits.processes == 64
    assert setup.limits.output_bytes == 64 * 2**20
    assert known.identity() == {
        "name": "Ledger clerk",
        "version": "2.1",
        "vendor": "Example",
        "agent_file": hashlib.sha256(path.read_bytes()).hexdigest(),
        "layers": {"hardware": {"accelerator": "8 GPUs"}, "model": {"name": "qwen3"}},
        "declared": {"own_tools": True},
    }


def test_the_values_of_secrets_are_known_and_those_of_other_variables_are_not(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("CLERK_TOKEN", "hush-hush")
    monkeypatch.setenv("LANG_PACK", "plain")
    assert read_agent_file(written(tmp_path, WHOLE)).secret_values == ("hush-hush",)


def test_a_virtual_environment_s_interpreter_is_not_followed_to_its_base(tmp_path):
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "python").symlink_to(sys.executable)
    text = reach('kind = "python"\nfunction = "a:b"\npython = "venv/python"')
    assert read_agent_file(written(tmp_path, text)).setup().python == f"{tmp_path}/venv/python"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[agent]\nnam = "x"', "/agent.toml:2: agent.nam: there is no key 'nam' here — did you"),
        (reach('kind = "http"'), "/agent.toml: reach: kind 'http' needs url — add it"),
        (
            reach('kind = "nope"'),
            "/agent.toml:6: reach.kind: invalid enum value 'nope' — there are chat, command",
        ),
        ('[agent]\nname = "x"\nversion = "1"', "/agent.toml: reach: 'reach' is missing — add it"),
        (reach('kind = "http"\nurl = "u"\nfiles = [3]'), "/agent.toml:8: reach.files[0]: expected"),
        (reach('kind = "command"\ncommand = "c"\nset = {A = 1}'), "/agent.toml:8: reach.set: exp"),
        (reach('kind = "command"\ncommand = "c"\nurl = "u"'), "kind 'command' has no url"),
        (reach('kind = "command"\ncommand = "c"\npython = "p"'), "kind 'command' has no python"),
        (reach('kind = "http"\nurl = "u"\nenv = ["A"]'), "kind 'http' has no env"),
        (reach('kind = "http"\nurl = "u"\n[sampling]\ntemperature = 0.0'), "only a chat agent's"),
        (reach('kind = "command"\ncommand = "c"\nenv = ["AGENT_MCP_URL"]'), "AGENT_MCP_URL is the"),
        (reach('kind = "command"\ncommand = "c"\n[limits]\nprocesses = 0'), "`int` >= 1"),
        ("[agent", "/agent.toml: is no TOML: "),
        (reach('kind = "http"\nurl = "u"\n[hardware]\ncolour = ""'), "there are processor, acc"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, text, said):
    assert said in complaint(tmp_path, text)


def test_bytes_that_are_no_text_and_a_file_that_is_not_there(tmp_path):
    (tmp_path / "agent.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="is no TOML"):
        read_agent_file(tmp_path / "agent.toml")
    with pytest.raises(UsageError, match=r"cannot be read: No such file.*--init KIND"):
        read_agent_file(tmp_path / "other.toml")


def test_every_table_of_the_file_is_in_the_schema():
    schema = msgspec.json.decode(make_schemas()["agent.schema.json"])
    known = {field.name for field in msgspec.structs.fields(AgentFile)}
    assert set(schema["$defs"]["AgentFile"]["properties"]) == known
