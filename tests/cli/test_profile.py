"""``conformance profile``, ``profile show``, ``certify --profile``, on bundled endpoints."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import shutil
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from conformance.cli import run
from conformance.cli.profile_options import workload_of
from conformance.errors import AgentUnavailableError
from conformance.evidence.bundle import bundle_id
from conformance.mock import MockModel, Pace, PacedMock, PacedReply
from conformance.profile.reread import differences, read_profile
from conformance.profile.target import Target
from conformance.schemas import first_error
from tests.cli.test_bad_input import fails
from tests.fakes.agents import MINIATURE

if TYPE_CHECKING:
    from pathlib import Path

QUICK = ("--warm-up", "0.2s", "--duration", "0.6s", "--no-calibrate", "--power", "none")


@pytest.fixture(scope="module")
def endpoint():
    with PacedMock(PacedReply(tokens=8, pace=Pace(ttft_s=0.004, itl_s=0.001))) as mock:
        yield mock


def profiled(capsys, endpoint, out, *words, code=1):
    given = ["profile", "--endpoint", endpoint.base_url, "--model", "paced-1", "--out", str(out)]
    assert run([*given, "--json", *words]) == code
    return json.loads(capsys.readouterr().out)


class Measured(NamedTuple):
    folder: Path
    told: dict[str, Any]


@pytest.fixture(scope="module")
def measured(endpoint, tmp_path_factory):
    """A profile of two points, with its curves and its page."""
    out = tmp_path_factory.mktemp("measured") / "p"
    words = ["--endpoint", endpoint.base_url, "--model", "paced-1", "--out", str(out), *QUICK]
    words += ["--concurrency", "2,1", "--slo", "ttft=10s,share=50%", "--json"]
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
        patch.setenv("OPENAI_API_KEY", "sk-of-the-endpoint-0123456789")
        assert run(["profile", *words]) == 1
    return Measured(out, json.loads(said.getvalue()))


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the curves out: drawing them takes longer than a short load."""
    monkeypatch.setattr("conformance.report.profile_charts.curve", lambda *_: None)


def test_a_profile_has_a_document_under_the_schema_and_the_logs_behind_it(measured):
    out, told = measured
    document = json.loads((out / "profile.json").read_bytes())
    assert first_error("profile", document) is None
    assert {name: told[name] for name in document} == document
    assert [point["concurrency"] for point in document["points"]] == [1, 2]
    for point in document["points"]:
        assert point["done"] == point["requests"] > 10
        assert point["output_tokens_per_s"] > 0
        assert point["good_share"] == 1
        assert point["energy"] is None
        assert (out / point["log"]).is_file()
    # A quick try is not calibrated, so it has no headline.
    assert [reason["code"] for reason in document["reasons"]] == ["not-calibrated"]
    assert set(document["headline"].values()) == {None}
    assert document["valid"] is False
    assert document["power_notes"] == ["no devices are read: --power none"]
    assert {path.name for path in out.iterdir()} == {
        "curves", "logs", "profile.html", "profile.json",
    }  # fmt: skip
    everything = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"sk-of-the-endpoint" not in everything
    assert list(differences(out)) == []


@pytest.mark.usefixtures("undrawn")
def test_an_open_loop_and_the_responses_dialect(capsys, tmp_path, endpoint):
    told = profiled(
        capsys, endpoint, tmp_path / "p", *QUICK, "--rate", "40", "--arrivals", "constant",
        "--dialect", "responses",
    )  # fmt: skip
    (point,) = told["points"]
    assert (point["loop"], point["rate"]) == ("open", 40)
    assert point["requests"] == pytest.approx(36, abs=2)  # longer than asked, to have enough
    assert point["ttft_intended_ms"]["p50"] >= point["ttft_ms"]["p50"]
    assert point["output_tokens"] == 8 * point["done"]


@pytest.mark.usefixtures("undrawn")
def test_without_a_load_the_knee_is_searched(capsys, tmp_path, endpoint):
    told = profiled(capsys, endpoint, tmp_path / "p", *QUICK, "--limit", "2")
    assert {point["concurrency"] for point in told["points"]} <= {1, 2}
    assert told["knee"]["method"]


@pytest.fixture
def own(measured, tmp_path):
    """A copy of it, to be changed."""
    return shutil.copytree(measured.folder, tmp_path / "p")


def test_show_computes_it_again_and_speaks_other_tools_languages(capsys, measured):
    out = measured.folder
    assert run(["profile", "show", str(out), "--locale", "en"]) == 0
    assert "reproduced from 2 logs" in capsys.readouterr().out
    for tool, name in (
        ("vllm", "median_ttft_ms"),
        ("aiperf", "time_to_first_token"),
        ("guidellm", "time_to_first_token_ms"),
        ("endpoints", "ttft.median"),
    ):
        assert run(["profile", "show", str(out), "--as", tool, "--json"]) == 0
        logs = json.loads(capsys.readouterr().out)["logs"]
        assert list(logs) == ["logs/load-1.jsonl", "logs/load-2.jsonl"]
        for figures in logs.values():
            assert any(metric.startswith(name) for metric in figures), (tool, list(figures))
    assert run(["profile", "show", str(out / "logs" / "load-1.jsonl"), "--as", "vllm"]) == 0


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("profile.json", ('"output_tokens_per_s"', '"output_tokens_per_s": 1e6, "x"'), "unknown"),
        ("profile.json", ('"requests_per_s": ', '"requests_per_s": 1'), "requests_per_s: not what"),
        ("profile.json", ('"valid": false', '"valid": true'), "not what"),
        ("logs/load-1.jsonl", ('"status":200', '"status":500'), "was changed"),
    ],
)
def test_a_changed_profile_is_named(capsys, own, name, change, said):
    path = own / name
    path.write_text(path.read_text().replace(*change, 1))
    assert run(["profile", "show", str(own)]) == 7
    assert said in capsys.readouterr().err


def test_a_log_named_outside_of_the_folder_is_not_read(capsys, own):
    path = own / "profile.json"
    path.write_text(path.read_text().replace("logs/load-1.jsonl", "../../etc/passwd"))
    assert run(["profile", "show", str(own)]) == 7
    assert "outside of it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--endpoint: is needed"),
        (("--endpoint", "127.0.0.1:8000", "--model", "m"), "is no address"),
        (("--endpoint", "http://127.0.0.1:9/v1"), "--model: is needed"),
        (("--endpoint", "local", "--model", "m"), "--model: the embedded endpoint names its own"),
        (("--concurrency", "0"), "write whole numbers above 0"),
        (("--concurrency", "1.5"), "write whole numbers above 0"),
        (("--concurrency", "1", "--rate", "2"), "--concurrency: goes with no --rate"),
        (("--slo", "speed=1"), "--slo: 'speed=1' is no part of it"),
        (("--slo", "ttft=fast"), "--slo: 'ttft=fast' has no time"),
        (("--slo", "ttft=nans"), "has no time"),
        (("--slo", "share=1.2"), "'1.2' is no share"),
        (("--price-kwh", "1"), "--currency: a price needs one"),
        (("--price-kwh", "1", "--price-hour", "1", "--currency", "EUR"), "by hour and by kwh"),
        (("--agents", "2"), "--agents: means nothing without --replay"),
        (("--think-scale", "2"), "--think-scale: means nothing without --replay"),
        (("--duration", "0s"), "--duration: is no time"),
        (("--slo", "ttft=5"), "has no time"),
        (("--api-key-env", "NO_SUCH_KEY"), "--api-key-env NO_SUCH_KEY: is not set"),
        (("--live", "nobody"), "'nobody' names no agent"),
        (("--seed", "s"), "--seed: means nothing without --live"),
        (("--replay", ".", "--concurrency", "1"), "--slo: is needed"),
        (("--replay", "/nowhere", "--slo", "ttft=1s"), "there is no such folder"),
        (("--slo", "ttft=1s,tpot=0"), "has no time"),
        (("--prompts", "/nowhere"), "does not exist"),
        (("--link", "mars"), "is no link"),
    ],
)
def test_bad_input_is_one_line(capsys, tmp_path, words, said):
    whole = words and words[0] == "--endpoint"
    base = () if whole or not words else ("--endpoint", "http://127.0.0.1:9/v1", "--model", "m")
    assert said in fails(capsys, 4, "profile", *base, *words, "--out", tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_a_folder_that_cannot_be_made_is_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    words = ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m", "--power", "none"]
    said = fails(capsys, 4, "profile", *words, "--out", tmp_path / "file" / "o")
    assert "cannot be made (Not a directory)" in said


def test_a_profile_that_is_not_there_is_wrong_usage(capsys, tmp_path):
    said = fails(capsys, 4, "profile", "show", tmp_path / "nothing")
    assert "there is no such folder" in said


def test_a_trace_with_a_line_that_is_none_is_named(capsys, tmp_path):
    trace = tmp_path / "trace"
    trace.write_text("0.5\n0.1\n")
    words = ["profile", "--endpoint", "http://127.0.0.1:9/v1", "--model", "m"]
    said = fails(capsys, 4, *words, "--trace", trace)
    assert f"{trace}:2: '0.1' is no later second" in said


def test_ones_own_prompts_can_have_answers_of_their_full_length_too(tmp_path):
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"messages": [{"role": "user", "content": "Hi."}], "max_tokens": 7}\n')
    given = {"prompts": str(prompts), "ignore_eos": True}
    asked = workload_of(given, Target("http://127.0.0.1:9/v1", "m"))
    body = json.loads(next(asked.steps(0)).body)
    assert (body["ignore_eos"], body["min_tokens"], body["max_tokens"]) == (True, 7, 7)


def test_an_endpoint_that_is_not_there_is_exit_code_6(capsys, tmp_path):
    words = ["profile", "--endpoint", "http://127.0.0.1:9/v1", "--model", "m", *QUICK]
    assert run([*words, "--out", str(tmp_path / "o")]) == 6
    assert not (tmp_path / "o").exists()
    assert "127.0.0.1:9/v1: does not answer as it should (connect" in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_an_impaired_link_lies_between_and_is_named(capsys, tmp_path, endpoint):
    told = profiled(
        capsys, endpoint, tmp_path / "p", *QUICK, "--concurrency", "1", "--link", "delay=15ms"
    )
    assert told["link"]["delay_s"] == 0.015
    assert told["link"]["seen"]["down"]["segments"] > 0
    assert told["points"][0]["ttft_ms"]["p50"] >= 34
    assert told["layers"]["cloud"]["endpoint"] == endpoint.base_url


@contextlib.contextmanager
def scripted():
    """Serve a model that never calls a tool, from a thread of its own."""
    loop, ready, ends = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    mock = MockModel(pace=Pace(ttft_s=0.002, itl_s=0.0005))

    async def serve():
        async with mock:
            ready.set()
            await ends.wait()
        # One that connected last is let go of in the loop's next turns.
        for _ in range(10):
            await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(120)
    try:
        yield mock
    finally:
        loop.call_soon_threadsafe(ends.set)
        thread.join(120)
        loop.close()


@pytest.mark.usefixtures("undrawn")
def test_a_certification_with_a_profile_is_one_bundle(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("conformance.profile.run.Sitting.calibrate", lambda *_: None)  # seconds
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    out = tmp_path / "bundle"
    with scripted() as mock:
        words = ["certify", "--agent", f"chat:{mock.model}", "--base-url", mock.base_url]
        words += ["--style", "structured", "--edition", str(MINIATURE), "--out", str(out)]
        words += ["--concurrency", "1", "--max-calls", "8", "--profile"]
        words += ["--profile-concurrency", "1", "--profile-duration", "0.6s"]
        words += ["--profile-tokens", "40", "9", "--power", "none", "--json"]
        run(words)
    told = json.loads(capsys.readouterr().out)
    assert told["bundle_id"] == bundle_id(out)
    document = read_profile(out / "profile")
    assert [point.concurrency for point in document.points] == [1]
    workload = document.layers.application["workload"]
    assert (workload["input_tokens"], workload["output_tokens"]) == (40, 9)
    (solved,) = document.solved
    assert (solved.trials >= 1, solved.solved, solved.bundle) == (True, 0, "")
    assert solved.solved_per_hour in (0, None)
    assert solved.j_per_solved_task is None
    listed = json.loads((out / "manifest.json").read_bytes())["files"]
    assert listed["profile/profile.json"]["schema"] == "profile"
    assert "profile/logs/load-1.jsonl" in listed
    assert (out / "report.html").read_text(encoding="utf-8").count("TPOT") > 0

    assert run(["grade", str(out), "--edition", str(MINIATURE)]) == 0
    capsys.readouterr()
    _forge(out, '"solved": 0', '"solved": 1')
    assert run(["grade", str(out), "--edition", str(MINIATURE)]) == 7
    assert "solved[0]: solved: not what the trials give" in capsys.readouterr().err


def _forge(out, old, new):
    """Change the profile of a bundle and seal it again, as who can does."""
    from conformance.evidence.bundle import write_manifest

    path = out / "profile" / "profile.json"
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))
    write_manifest(out)


def test_a_profile_needs_an_endpoint_that_the_suite_knows(capsys, tmp_path):
    words = ["certify", "--agent", "builtin:oracle", "--out", str(tmp_path / "b"), "--profile"]
    said = fails(capsys, 4, *words)
    assert "--profile: this agent has no model endpoint that the suite knows" in said
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("option", ["--slo", "--pue", "--price-kwh", "--sampler"])
def test_an_option_of_the_profile_without_one_is_refused(capsys, option):
    value = "ttft=1s" if option == "--slo" else "2"
    words = ["certify", "--agent", "builtin:oracle", option, value, "--currency", "EUR"]
    assert f"{option}: means nothing without --profile" in fails(capsys, 4, *words)


@pytest.mark.usefixtures("undrawn")
def test_a_bundle_is_replayed_and_real_trials_run_in_one_sitting(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    recorded = tmp_path / "recorded"
    out = tmp_path / "p"
    with scripted() as mock:
        at = ["--base-url", mock.base_url, "--edition", str(MINIATURE)]
        words = ["certify", "--agent", f"chat:{mock.model}", "--style", "structured", *at]
        run([*words, "--concurrency", "1", "--max-calls", "8", "--out", str(recorded)])
        capsys.readouterr()
        words = ["profile", "--endpoint", mock.base_url, "--model", mock.model, *QUICK]
        words += ["--concurrency", "1", "--slo", "e2e=10s", "--replay", str(recorded)]
        words += ["--agents", "1,2", "--think-scale", "0", "--live", f"chat:{mock.model}"]
        words += ["--live-trials", "2", "--live-time", "1s", "--edition", str(MINIATURE)]
        assert run([*words, "--seed", "s", "--out", str(out), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    agents = told["agents"]
    assert agents["bundle"] == bundle_id(recorded)
    assert [each["agents"] for each in agents["points"]] == [1, 2]
    assert all(each["turns"] > 0 and each["sessions"] > 0 for each in agents["points"])
    (solved,) = told["solved"]
    assert (solved["concurrency"], solved["solved"]) == (2, 0)
    assert solved["trials"] > 0
    assert solved["bundle"] == bundle_id(out / "live" / "trials-2")
    assert run(["grade", str(out / "live" / "trials-2"), "--edition", str(MINIATURE)]) == 0
    assert list(differences(out)) == []


def test_an_endpoint_that_goes_away_costs_the_profile_and_not_the_grade(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    out = tmp_path / "bundle"
    monkeypatch.setattr("conformance.profile.run.Sitting.reach", _gone("does not answer (connect)"))
    with scripted() as mock:
        words = ["certify", "--agent", f"chat:{mock.model}", "--base-url", mock.base_url]
        words += ["--style", "structured", "--edition", str(MINIATURE), "--out", str(out)]
        words += ["--concurrency", "1", "--max-calls", "4", "--no-report", "--power", "none"]
        code = run([*words, "--profile", "--json"])
        told = capsys.readouterr()
        assert "no profile: does not answer (connect)" in told.err
        assert code == json.loads(told.out)["exit_code"]
    assert not (out / "profile").exists()
    assert run(["grade", str(out), "--edition", str(MINIATURE)]) == 0


def _gone(what):
    def reach(_):
        raise AgentUnavailableError(what)

    return reach


def test_a_campaign_that_goes_on_drops_the_profile_it_had(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    out = tmp_path / "bundle"
    with scripted() as mock:
        words = ["certify", "--agent", f"chat:{mock.model}", "--base-url", mock.base_url]
        words += ["--style", "structured", "--edition", str(MINIATURE), "--out", str(out)]
        words += ["--concurrency", "1", "--max-calls", "4", "--no-report"]
        run(words)
        (out / "profile").mkdir()
        (out / "profile" / "profile.json").write_text("of earlier trials")
        run([*words, "--resume"])
    capsys.readouterr()
    assert not (out / "profile").exists()
    assert run(["grade", str(out), "--edition", str(MINIATURE)]) == 0


def test_a_resume_that_is_refused_leaves_the_profile(capsys, tmp_path):
    out = tmp_path / "bundle"
    words = ["certify", "--edition", str(MINIATURE), "--out", str(out), "--no-report"]
    run([*words, "--agent", "builtin:null"])
    (out / "profile").mkdir()
    (out / "profile" / "profile.json").write_text("of these trials")
    assert run([*words, "--agent", "builtin:refuse", "--resume"]) == 4
    assert "agent was" in capsys.readouterr().err
    assert (out / "profile" / "profile.json").read_text() == "of these trials"


def test_an_interrupted_profile_leaves_the_bundle_as_it_was_sealed(capsys, tmp_path):
    out = tmp_path / "bundle"
    with scripted() as mock:
        words = ["certify", "--agent", f"chat:{mock.model}", "--base-url", mock.base_url]
        words += ["--style", "structured", "--edition", str(MINIATURE), "--out", str(out)]
        words += ["--concurrency", "1", "--max-calls", "4", "--no-report", "--power", "none"]
        words += ["--profile", "--profile-concurrency", "1", "--profile-duration", "10m"]
        with subprocess.Popen(
            [sys.executable, "-m", "conformance", *words],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("at once: 1"):
                    process.send_signal(signal.SIGINT)
                    break
            process.stderr.read()
            assert process.wait(600) == 2
    assert not (out / "profile").exists()
    assert run(["grade", str(out), "--edition", str(MINIATURE)]) == 0
