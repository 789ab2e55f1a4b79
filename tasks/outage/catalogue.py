"""The kinds of fault: what shows each, what mends it, and from which reading on it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from conformance.authoring import Rng

Rule = Literal["above", "below", "beyond", "differs"]
Look = Literal["fault", "near", "normal"]


class Kind(NamedTuple):
    """A kind of fault: the tools that show and mend it, and the reading that tells."""

    check: str
    fix: str
    new_check: str
    """What the check is called where it was renamed half-way; the same for ``new_fix``."""
    new_fix: str
    item: str
    measure: str
    rule: Rule
    shows: str
    mends: str
    prefix: str = ""
    limits: tuple[int, int] = (0, 0)
    spread: int = 0
    """How far beyond the limit a fault lies at most."""


KINDS: dict[str, Kind] = {
    "disk": Kind(
        "check_disk",
        "clear_volume",
        "storage_report",
        "reclaim_storage",
        "volume",
        "used_percent",
        "above",
        "how full each volume is",
        "Clear scratch files off a service's volume.",
        "vol",
        (86, 94),
        5,
    ),
    "certificate": Kind(
        "check_certificates",
        "renew_certificate",
        "trust_report",
        "reissue_credential",
        "certificate",
        "days_left",
        "below",
        "days each is still valid",
        "Renew a service's certificate.",
        "crt",
        (1, 6),
        30,
    ),
    "pool": Kind(
        "check_pool",
        "evict_client",
        "connection_report",
        "release_connections",
        "client",
        "connections",
        "above",
        "connections each client holds",
        "Evict a client from a service's connection pool.",
        "app",
        (40, 80),
        30,
    ),
    "queue": Kind(
        "check_queue",
        "park_message",
        "backlog_report",
        "sideline_message",
        "message",
        "retries",
        "above",
        "delivery retries of each waiting message",
        "Park a message of a service's queue.",
        "msg",
        (6, 15),
        20,
    ),
    "clock": Kind(
        "check_clocks",
        "resync_host",
        "time_report",
        "align_time",
        "host",
        "offset_ms",
        "beyond",
        "offset of each host",
        "Set the clock of a service's host right.",
        "host",
        (120, 400),
        300,
    ),
    "cache": Kind(
        "check_cache",
        "purge_region",
        "freshness_report",
        "refresh_region",
        "region",
        "age_s",
        "above",
        "age of each region",
        "Purge a region of a service's cache.",
        "reg",
        (300, 900),
        600,
    ),
    "route": Kind(
        "check_routes",
        "set_route",
        "path_report",
        "redirect_route",
        "route",
        "zone",
        "differs",
        "zone each route leads to",
        "Let a service's route lead to a zone.",
        "rt",
    ),
    "config": Kind(
        "check_config",
        "set_config",
        "parameter_report",
        "write_parameter",
        "key",
        "value",
        "differs",
        "value of each key",
        "Set a service's config key.",
    ),
}

NAMES = (
    *("checkout", "catalog", "ledger", "billing", "identity", "geocoder", "quota", "mailer"),
    *("search", "pricing", "inventory", "scheduler", "archive", "telemetry", "tariff", "gateway"),
    *("metering", "routing", "storage", "sessions", "profiles", "payments", "booking", "dispatch"),
    *("labeling", "rendering", "transcoder", "indexer"),
)
_KEYS = (
    *("max_inflight", "timeout_ms", "batch_size", "worker_count"),
    *("retry_budget", "window_ms", "shard_count", "page_size"),
)
ITEMS = 3
ZONES = 9
_NEAR = 3


def is_fault(kind: str, reading: Any, limit: int, approved: Any) -> bool:
    """Say whether a reading is a fault by the runbook's rule."""
    match KINDS[kind].rule:
        case "above":
            return bool(reading > limit)
        case "below":
            return bool(reading < limit)
        case "beyond":
            return bool(abs(reading) > limit)
        case "differs":
            return bool(reading != approved)


def rule_text(kind: str, limit: int) -> str:
    """Say the rule as the runbook does."""
    measure = KINDS[kind].measure
    match KINDS[kind].rule:
        case "above":
            return f"{measure} > {limit}"
        case "below":
            return f"{measure} < {limit}"
        case "beyond":
            return f"{measure} > {limit} or < -{limit}"
        case "differs":
            return f"{measure} is not the approved one; repair: set the approved one"


def mended(kind: str, limit: int) -> int:
    """Return the reading that a repair without a value leaves."""
    match KINDS[kind].rule:
        case "above":
            return limit // 3
        case "below":
            return limit + 365
        case _:
            return 0


def draw_limit(rng: Rng, kind: str) -> int:
    """Draw the limit of a kind that has one."""
    return rng.integer(*KINDS[kind].limits)


def draw_items(rng: Rng, kind: str) -> list[str]:
    """Draw the names of a service's items of a kind."""
    if kind == "config":
        return rng.sample(_KEYS, ITEMS)
    first = rng.integer(10, 39)
    return [f"{KINDS[kind].prefix}-{first + 20 * turn + rng.below(20)}" for turn in range(ITEMS)]


def draw_approved(rng: Rng, kind: str) -> Any:
    """Draw what a route or a key is approved to be; None where there is no such thing."""
    if KINDS[kind].rule != "differs":
        return None
    return f"z{rng.integer(1, ZONES)}" if kind == "route" else 10 * rng.integer(2, 90)


def draw_reading(rng: Rng, kind: str, limit: int, approved: Any, look: Look) -> Any:
    """Draw a reading that is a fault, or just not one, or far from one."""
    rule, spread = KINDS[kind].rule, KINDS[kind].spread
    if rule == "differs":
        return _other(rng, kind, approved) if look == "fault" else approved
    if look == "fault":
        away = rng.integer(1, spread)
    elif look == "near":
        away = -rng.below(_NEAR)
    else:
        away = -rng.integer(limit // 3, limit) if rule != "below" else -rng.integer(20, 300)
    if rule == "below":
        return limit - away
    sign = -1 if rule == "beyond" and rng.chance(50) else 1
    return sign * (limit + away)


def _other(rng: Rng, kind: str, approved: Any) -> Any:
    if kind == "route":
        return f"z{(int(approved[1:]) + rng.below(ZONES - 1)) % ZONES + 1}"
    return approved * 10 if rng.chance(50) else approved + 10 * rng.integer(1, 60)
