"""Other load generators: the command line of a run, and what its own files say it read.

Every figure is read from the records of single requests, so that no tool's way of taking a
percentile is in it.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

MODEL = "paced-1"
HERE = Path(__file__).parent


class Load(NamedTuple):
    """A closed loop that begins with all its slots at once."""

    concurrency: int
    requests: int


class Read(NamedTuple):
    """What a tool says that it saw."""

    ttft_ms: list[float]
    gaps_ms: list[float]
    """Between chunks, all requests pooled; none where the tool keeps none."""
    requests_per_s: float | None
    ids: list[str] | None = None
    """The ``X-Request-Id`` of each TTFT, where the tool sends one."""


class Peer(Protocol):
    """One tool."""

    name: str
    tokens: int
    """Of an answer, as far as the tool can ask for it."""
    note: str
    speed: int
    """How many times longer its run at zero delay is than that of the slowest."""

    def command(self, url: str, load: Load, folder: Path) -> list[str]:
        """Return the command line of a run; ``url`` has no ``/v1``."""
        ...

    def read(self, folder: Path, load: Load) -> Read:
        """Return what a run left in its folder.

        Raises:
            OSError, ValueError, KeyError, LookupError: it left nothing, or something else.
        """
        ...

    def version(self) -> str:
        """Return the version that is installed."""
        ...


class Client:
    """A client of ``_clients.py``."""

    tokens = 100

    def __init__(self, name: str, note: str, speed: int) -> None:
        self.name, self.note, self.speed = name, note, speed

    def command(self, url: str, load: Load, folder: Path) -> list[str]:
        script = str(HERE / "_clients.py")
        shape = (str(load.concurrency), str(load.requests))
        return [sys.executable, script, self.name, f"{url}/v1", *shape, str(folder)]

    def read(self, folder: Path, load: Load) -> Read:
        del load
        return Read(**json.loads((folder / "read.json").read_text()))

    def version(self) -> str:
        package = "openai" if self.name == "openai" else "agent-grading"
        return _version(Path(sys.executable), package)


class _Installed:
    """A tool in an environment of its own."""

    name = ""
    package = ""
    tokens = 100
    note = ""
    speed = 1

    def __init__(self, program: Path, tokenizer: Path) -> None:
        self.program, self.tokenizer = program, tokenizer

    def command(self, url: str, load: Load, folder: Path) -> list[str]:
        raise NotImplementedError

    def read(self, folder: Path, load: Load) -> Read:
        raise NotImplementedError

    @classmethod
    def program_name(cls) -> str:
        """Return what its program is called in an environment."""
        return cls.package or cls.name

    def version(self) -> str:
        return _version(self.program.parent / "python", self.program_name())


class AIPerf(_Installed):
    """NVIDIA AIPerf: ``profile_export.jsonl``, a request a line."""

    name = "aiperf"
    note = "gap is its inter-chunk latency (ICL)"

    def command(self, url: str, load: Load, folder: Path) -> list[str]:
        return [
            *(str(self.program), "profile", "-m", MODEL, "--url", url),
            *("--endpoint-type", "chat", "--streaming", "--use-server-token-count"),
            *("--tokenizer", str(self.tokenizer), "--isl", "10", "--osl", str(self.tokens)),
            *("--concurrency", str(load.concurrency), "--request-count", str(load.requests)),
            *("--artifact-dir", str(folder), "--ui", "none"),
        ]

    def read(self, folder: Path, load: Load) -> Read:
        del load
        lines = (folder / "profile_export.jsonl").read_text().splitlines()
        records = [record for record in map(json.loads, lines) if not record.get("error")]
        metrics = [record["metrics"] for record in records]
        whole = json.loads((folder / "profile_export_aiperf.json").read_text())
        return Read(
            [metric["time_to_first_token"]["value"] for metric in metrics],
            [gap for metric in metrics for gap in metric["inter_chunk_latency"]["value"]],
            whole["request_throughput"]["avg"],
            [record["metadata"]["x_request_id"] for record in records],
        )


class GuideLLM(_Installed):
    """GuideLLM: one JSON report with the timings of each request."""

    name = "guidellm"
    note = "keeps no time of a chunk but the first and the last"

    def command(self, url: str, load: Load, folder: Path) -> list[str]:
        return [
            *(str(self.program), "run", "--disable-console"),
            *("--backend", f"kind=openai_http,target={url},model={MODEL},validate_backend=false"),
            *("--profile", f"kind=concurrent,streams={load.concurrency}"),
            *("--constraint", f"kind=max_requests,count={load.requests}"),
            *("--tokenizer", f"kind=huggingface_auto,model={self.tokenizer}"),
            *("--data", f"kind=synthetic_text,prompt_tokens=10,output_tokens={self.tokens}"),
            *("--output", f"kind=json,path={folder / 'report.json'}"),
        ]

    def read(self, folder: Path, load: Load) -> Read:
        del load
        (found,) = json.loads((folder / "report.json").read_text())["benchmarks"]
        timings = [request["info"]["timings"] for request in found["requests"]["successful"]]
        return Read(
            [1000 * (one["first_token_iteration"] - one["request_start"]) for one in timings],
            [],
            found["metrics"]["requests_per_second"]["successful"]["mean"],
        )


class InferencePerf(_Installed):
    """kubernetes-sigs inference-perf: ``per_request_lifecycle_metrics.json``."""

    name = "inference-perf"
    tokens = 30
    note = "answers of 30 tokens: it cannot ask for a length in chat"

    def command(self, url: str, load: Load, folder: Path) -> list[str]:
        stage = {"num_requests": load.requests, "concurrency_level": load.concurrency}
        settings = {
            "load": {
                "type": "concurrent",
                "stages": [stage],
                "num_workers": 1,
                "worker_max_concurrency": load.concurrency,
            },
            "api": {"type": "chat", "streaming": True},
            "server": {"type": "vllm", "model_name": MODEL, "base_url": url, "ignore_eos": True},
            "tokenizer": {"pretrained_model_name_or_path": str(self.tokenizer)},
            "data": {"type": "mock"},
            "report": {"request_lifecycle": {"summary": True, "per_request": True}},
            "storage": {"local_storage": {"path": str(folder)}},
        }
        path = folder / "settings.yml"
        path.write_text(json.dumps(settings))  # JSON is YAML
        return [str(self.program), "-c", str(path)]

    def read(self, folder: Path, load: Load) -> Read:
        del load
        records = json.loads((folder / "per_request_lifecycle_metrics.json").read_text())
        done = [one for one in records if not one["error"]]
        times = [one["info"]["response_metrics"]["chunk_times"] for one in done]
        whole = json.loads((folder / "summary_lifecycle_metrics.json").read_text())
        return Read(
            [1000 * (at[0] - one["start_time"]) for one, at in zip(done, times, strict=True)],
            [1000 * (after - before) for at in times for before, after in pairwise(at)],
            whole["successes"]["throughput"]["requests_per_sec"],
        )


class EvalScope(_Installed):
    """EvalScope perf: a database with a row a request."""

    name = "evalscope"

    def command(self, url: str, load: Load, folder: Path) -> list[str]:
        tokens = str(self.tokens)
        return [
            *(str(self.program), "perf", "--model", MODEL, "--api", "openai"),
            *("--url", f"{url}/v1/chat/completions", "--no-test-connection", "--stream"),
            *("--parallel", str(load.concurrency), "-n", str(load.requests)),
            *("--tokenizer-path", str(self.tokenizer), "--dataset", "random"),
            *("--min-prompt-length", "10", "--max-prompt-length", "10"),
            *("--max-tokens", tokens, "--min-tokens", tokens),
            *("--outputs-dir", str(folder), "--no-timestamp", "--name", "run"),
        ]

    def read(self, folder: Path, load: Load) -> Read:
        place = folder / "run" / f"parallel_{load.concurrency}_number_{load.requests}"
        with sqlite3.connect(place / "benchmark_data.db") as database:
            rows = database.execute(
                "SELECT first_chunk_latency, inter_token_latencies FROM result WHERE success = 1"
            ).fetchall()
        database.close()
        whole = json.loads((place / "benchmark_summary.json").read_text())
        return Read(
            [1000 * float(first) for first, _ in rows],
            [1000 * gap for _, gaps in rows for gap in json.loads(gaps)],
            whole["Req Throughput (req/s)"],
        )


class Endpoints(_Installed):
    """MLPerf's mlcommons/endpoints: ``events.jsonl``."""

    name = "endpoints"
    package = "inference-endpoint"
    note = "keeps no time of a chunk but the first and the last"
    speed = 32

    def command(self, url: str, load: Load, folder: Path) -> list[str]:
        asked = folder / "asked.jsonl"
        asked.write_text("".join(f'{{"prompt": "w{number % 200}"}}\n' for number in range(1000)))
        tokens = str(self.tokens)
        return [
            *(str(self.program), "benchmark", "online", "--endpoints", url, "--model", MODEL),
            *("--dataset", str(asked), "--tokenizer", str(self.tokenizer), "--streaming", "on"),
            *("--load-pattern", "concurrency", "--concurrency", str(load.concurrency)),
            *("--num-samples", str(load.requests), "--duration", "0"),
            *("--max-output-tokens", tokens, "--min-output-tokens", tokens),
            # By default it opens thousands of connections before the load, as many as ports allow.
            *("--workers", "1", "--client.warmup-connections", "0"),
            *("--report-dir", str(folder / "report")),
        ]

    def read(self, folder: Path, load: Load) -> Read:
        del load
        issued: dict[str, int] = {}
        ttft_ms: list[float] = []
        ends: list[int] = []
        for line in (folder / "report" / "events.jsonl").read_text().splitlines():
            event = json.loads(line)
            kind, at, of = event["event_type"], event["timestamp_ns"], event["sample_uuid"]
            if kind == "sample.issued":
                issued[of] = at
            elif kind == "sample.recv_first":
                ttft_ms.append((at - issued[of]) / 1e6)
            elif kind == "sample.complete":
                ends.append(at)
        took_s = (max(ends) - min(issued.values())) / 1e9
        return Read(ttft_ms, [], len(ends) / took_s)


INSTALLED: dict[str, type[_Installed]] = {
    kind.name: kind for kind in (AIPerf, GuideLLM, InferencePerf, EvalScope, Endpoints)
}


def write_tokenizer(folder: Path) -> Path:
    """Write a tokenizer of words, for tools that want one and would ask a model hub for it."""
    words = ["<unk>", "<s>", "</s>", "tok", "user", *(f"w{number}" for number in range(200))]
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    added = [
        {"id": number, "content": words[number], "special": True, **special} for number in range(3)
    ]
    vocabulary = {word: number for number, word in enumerate(words)}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}
    tokenizer: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": {"type": "Whitespace"},
        "model": model,
        **dict.fromkeys(("truncation", "padding", "normalizer", "post_processor", "decoder")),
    }
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "model_max_length": 100_000,
        "chat_template": "{% for m in messages %}{{ m['content'] }} {% endfor %}",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def _version(python: Path, package: str) -> str:
    line = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run(
        [str(python), "-c", line], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout.strip() or "?"
