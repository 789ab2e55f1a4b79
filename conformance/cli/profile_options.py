"""What ``conformance profile`` is asked for, from its options to a plan."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from conformance.cli.options import Duration
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.profile.document import Inputs, Slo
    from conformance.profile.run import Plan
    from conformance.profile.shape import Bounds, Shape
    from conformance.profile.target import Renewable, Target
    from conformance.profile.workload import Control

_UNITS_MS = {"ms": 1.0, "s": 1000.0}
_SLO_PARTS = {
    "ttft": "ttft_ms",
    "tpot": "tpot_ms",
    "gap": "chunk_gap_ms",
    "e2e": "e2e_ms",
    "share": "share",
}


WARM_UP_S = 3.0


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers above zero with commas between, ascending."""

    name = "numbers"

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        """Return the numbers."""
        if isinstance(value, tuple):
            return value
        kind = "whole numbers" if self._whole else "numbers"
        try:
            found = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            found = ()
        if not found or any(
            not 0 < n < 1e6 or (self._whole and n != int(n))  # noqa: PLR2004
            for n in found
        ):
            self.fail(f"{value!r}: write {kind} above 0, such as 1,4,16", param, ctx)
        return tuple(sorted(set(found)))


def load_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options on the load, its requests and what is counted as good."""
    for option in reversed(_LOAD_OPTIONS):
        function = option(function)
    return function


_LOAD_OPTIONS = (
    click.option(
        "--concurrency",
        type=Numbers(whole=True),
        metavar="N,N,…",
        help="Requests at once, one point each. Without this, --rate or --trace: rising until the "
        "knee is found.",
    ),
    click.option(
        "--rate",
        type=Numbers(whole=False),
        metavar="R,R,…",
        help="An open loop instead: requests a second, whatever the server does.",
    ),
    click.option(
        "--arrivals",
        type=click.Choice(["poisson", "constant"]),
        default="poisson",
        show_default=True,
        help="How the requests of --rate come.",
    ),
    click.option(
        "--trace",
        type=click.Path(exists=True, dir_okay=False),
        help="An open loop as recorded: a file with the seconds of each arrival, one a line.",
    ),
    click.option(
        "--limit",
        type=click.IntRange(1, 65536),
        default=64,
        show_default=True,
        help="Of the search for the knee: no more at once than this.",
    ),
    click.option(
        "--duration",
        type=Duration(),
        default="20s",
        show_default=True,
        help="Of each point; longer where its answers are so slow that fewer than 30 are done.",
    ),
    click.option("--requests", type=click.IntRange(1), help="Of each point, where this is sooner."),
    click.option(
        "--warm-up",
        type=Duration(),
        default=f"{WARM_UP_S:g}s",
        show_default=True,
        help="Load before each point that is not counted.",
    ),
    click.option(
        "--input-tokens",
        type=click.IntRange(1, 1_000_000),
        default=256,
        show_default=True,
        help="Length of the made prompts, about.",
    ),
    click.option(
        "--output-tokens",
        type=click.IntRange(1, 100_000),
        default=128,
        show_default=True,
        help="The most tokens of an answer.",
    ),
    click.option(
        "--ignore-eos",
        is_flag=True,
        help="Ask for answers of exactly that length, where the server takes it (vLLM, SGLang).",
    ),
    click.option(
        "--shared-prefix",
        type=click.IntRange(0),
        default=0,
        help="Tokens that all prompts begin with; by default none, so that no cache helps.",
    ),
    click.option(
        "--prompts",
        type=click.Path(exists=True, dir_okay=False),
        help='Your own traffic: JSON Lines of {"messages": […], "max_tokens": N}.',
    ),
    click.option(
        "--slo",
        metavar="NAME=VALUE,…",
        help="What makes a request good: ttft=500ms,tpot=50ms,gap=1s,e2e=30s; share=0.95 of them "
        "(0.9 by default) must be for a load to count as sustained.",
    ),
    click.option("--workers", type=click.IntRange(1, 256), help="Processes of the client."),
    click.option("--no-calibrate", is_flag=True, help="Skip the client's own error; for tries."),
)


def cost_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options on power and on what is given rather than measured."""
    for option in reversed(_COST_OPTIONS):
        function = option(function)
    return function


_COST_OPTIONS = (
    click.option(
        "--power",
        type=click.Choice(["auto", "local", "none"]),
        default="auto",
        show_default=True,
        help="Whose devices are read: auto takes this machine's where the endpoint is on loopback.",
    ),
    click.option(
        "--sampler",
        "samplers",
        multiple=True,
        metavar="HOST:PORT",
        help="A running `conformance profile sampler` beside the endpoint; once a node.",
    ),
    click.option(
        "--sampler-token-env",
        metavar="NAME",
        help="The environment variable that holds the samplers' token.",
    ),
    click.option("--pue", type=click.FloatRange(1), help="Facility power over device power."),
    click.option("--carbon", type=click.FloatRange(0), help="Grams of CO2 a kWh."),
    click.option("--price-kwh", type=click.FloatRange(0), help="Money a kWh."),
    click.option("--price-hour", type=click.FloatRange(0), help="Money an hour of the endpoint."),
    click.option("--price-input", type=click.FloatRange(0), help="Money a million input tokens."),
    click.option("--price-output", type=click.FloatRange(0), help="Money a million output tokens."),
    click.option("--currency", default="", help="Of the prices: CNY, EUR …"),
)


def slo_of(text: str | None) -> Slo:
    """Return what a request must keep.

    Raises:
        UsageError: a part that is none, or is no time.
    """
    from conformance.profile.document import Slo

    parts: dict[str, float] = {}
    for item in filter(None, (text or "").split(",")):
        name, equals, value = item.strip().partition("=")
        if not equals or name not in _SLO_PARTS:
            raise UsageError(
                f"{item!r} is no part of it",
                where="--slo",
                mend=f"parts: {', '.join(_SLO_PARTS)}; such as ttft=500ms,tpot=50ms,share=0.95",
            )
        parts[_SLO_PARTS[name]] = _share(value) if name == "share" else _milliseconds(item, value)
    return Slo(**parts)


def _share(value: str) -> float:
    try:
        share = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UsageError(f"{value!r} is no share", where="--slo share", mend="write share=0.95")
    return share


def _milliseconds(item: str, value: str) -> float:
    digits = value.rstrip("ms")
    try:
        found = float(digits) * _UNITS_MS[value[len(digits) :]]
    except (ValueError, KeyError):
        found = -1.0
    if not found > 0 or found == float("inf"):
        raise UsageError(f"{item!r} has no time", where="--slo", mend="write 500ms or 1.5s")
    return found


def inputs_of(given: dict[str, Any]) -> Inputs:
    """Return what is given, not measured.

    Raises:
        UsageError: a price without a currency, or prices that would pay twice.
    """
    from conformance.profile.document import Inputs
    from conformance.profile.solved import price_basis

    prices = {
        "price_per_kwh": given["price_kwh"],
        "price_per_hour": given["price_hour"],
        "price_per_million_input": given["price_input"],
        "price_per_million_output": given["price_output"],
    }
    if any(price is not None for price in prices.values()) and not given["currency"]:
        raise UsageError("a price needs one", where="--currency", mend="name it: --currency CNY")
    inputs = Inputs(
        pue=given["pue"], carbon_g_per_kwh=given["carbon"], currency=given["currency"], **prices
    )
    price_basis(inputs)
    return inputs


def target_of(given: dict[str, Any], base_url: str, model: str) -> Target:
    """Return the endpoint."""
    from conformance.profile.target import Target

    return Target(
        base_url=base_url.rstrip("/"),
        model=model,
        dialect=given["dialect"],
        key=_key(given["key_env"]),
        ca_file=given["ca_file"],
        timeout_s=given["request_timeout"],
    )


def control_of(given: dict[str, Any]) -> Control:
    """Return how the length of an answer is controlled."""
    return "ignore_eos" if given["ignore_eos"] else "none"


def _key(variable: str | None) -> str:
    """Return the endpoint's key; empty for one that wants none.

    Raises:
        UsageError: the variable that was named is not set.
    """
    if variable is not None and not os.environ.get(variable):
        raise UsageError(
            "is not set in the environment",
            where=f"--api-key-env {variable}",
            mend="set it, or leave the option out for an endpoint that wants no key",
        )
    return os.environ.get(variable or "OPENAI_API_KEY", "")


def workload_of(given: dict[str, Any], target: Target) -> Renewable:
    """Return what is asked."""
    from conformance.profile.workload import FromFile, Synthetic

    control = control_of(given)
    if given["prompts"] is not None:
        from pathlib import Path

        return FromFile.read(Path(given["prompts"]), target.model, target.dialect, control)
    return Synthetic(
        model=target.model,
        dialect=target.dialect,
        input_tokens=given["input_tokens"],
        output_tokens=given["output_tokens"],
        control=control,
        shared_prefix_tokens=given["shared_prefix"],
    )


def shapes_of(given: dict[str, Any]) -> tuple[Shape, ...]:
    """Return the loads that were asked for; none: search.

    Raises:
        UsageError: more than one kind of load, or a trace that is none.
    """
    from pathlib import Path

    from conformance.profile.shape import Closed, Open, Trace

    kinds = [name for name in ("concurrency", "rate", "trace") if given[name] is not None]
    if len(kinds) > 1:
        raise UsageError(
            f"goes with no --{kinds[1]}", where=f"--{kinds[0]}", mend="leave one of them out"
        )
    if given["concurrency"] is not None:
        return tuple(Closed(int(n)) for n in given["concurrency"])
    if given["rate"] is not None:
        return tuple(Open(rate, given["arrivals"]) for rate in given["rate"])
    if given["trace"] is not None:
        return (Trace(_offsets(Path(given["trace"]))),)
    return ()


def _offsets(path: Path) -> tuple[float, ...]:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split(), 1):
        try:
            found.append(float(line))
        except ValueError:
            found.append(-1.0)
        if not 0 <= found[-1] < 1e6 or found[-1] < found[max(0, len(found) - 2)]:  # noqa: PLR2004
            raise UsageError(
                f"{line[:40]!r} is no later second",
                where=f"{path}:{number}",
                mend="one number a line, seconds from the beginning, ascending",
            )
    if not found:
        raise UsageError("is empty", where=str(path), mend="one number a line")
    return tuple(found)


def plan_of(given: dict[str, Any], target: Target) -> Plan:
    """Return the plan of a profile of ``target``."""
    from conformance.profile.run import Plan

    return Plan(
        target=target,
        workload=workload_of(given, target),
        bounds=bounds_of(given["duration"], given["requests"], given["warm_up"]),
        shapes=shapes_of(given),
        limit=given["limit"],
        slo=slo_of(given["slo"]),
        inputs=inputs_of(given),
        workers=given["workers"],
        is_calibrated=not given["no_calibrate"],
    )


def bounds_of(
    duration_s: float, requests: int | None = None, warm_up_s: float = WARM_UP_S
) -> Bounds:
    """Return when a point ends: enough requests for it to be valid are waited for."""
    from conformance.profile.gate_table import GATES
    from conformance.profile.shape import Bounds

    least = int(GATES["too-few"].limit or 0)
    return Bounds(requests=requests, duration_s=duration_s, least_done=least, warm_up_s=warm_up_s)


def declared_of(path: Path | None) -> dict[str, dict[str, Any]]:
    """Return what an ``agent.toml`` says of the four layers."""
    if path is None:
        return {}
    from conformance.agents.agentfile import read_agent_file

    file = read_agent_file(path).file
    layers = {name: getattr(file, name) for name in ("hardware", "cloud", "model", "application")}
    found: dict[str, dict[str, Any]] = json.loads(msgspec.json.encode(layers))
    return found
