"""Entries made up for the site's tests: what a submission that re-graded clean comes to."""

import hashlib

import msgspec

from conformance.campaign.twins import Gap
from conformance.evidence.documents import Words
from conformance.report.board.entries import (
    Board,
    ClauseRow,
    Entry,
    LoadPoint,
    ProfilePoint,
    Refused,
    in_order,
)

DAY = 86_400.0
NOON = 1_790_000_000.0
LEVELS = (
    Words("未定级", "not graded"),
    Words("响应级", "responsive"),
    Words("工具级", "tool-using"),
    Words("条件自主级", "conditional autonomy"),
)
GRADES = (Words("未授予", "not granted"), Words("基础级", "basic"), Words("可控级", "controllable"))
HOSTILE = (
    "\u202egnirts\u202c \x1b[31mred \x00 \u200b<img src=x onerror='window.pwned = 1'>"
    "</script><script>window.pwned = 2</script> {{ 7 * 7 }} \" ' `" + "A" * 10_000
)


def entry(name, *, level=1, trust=0, at=0.0, **changes):
    """Return an entry; ``at`` is in days after the first."""
    made = hashlib.sha256(f"{name}/{at}/{changes.get('plan')}".encode()).hexdigest()
    slug = "agent-" + hashlib.sha256(name.encode()).hexdigest()[:10]
    clauses = (
        ClauseRow("L1-UND-1", "pass", 0.95, 0.8123, 0.99, 0.8, 40),
        ClauseRow("L1-TOL-1", "fail", 0.42, 0.3, 0.61, 0.8, 31),
        ClauseRow("L2-PLN-1", "not_run", None, None, None, 0.8, 0),
    )
    plain = Entry(
        id=made,
        slug=slug,
        folder=f"{slug}-{at:g}",
        agent=name,
        vendor=None,
        model="model-1",
        kind="chat",
        is_calibrator=False,
        standing="self-declared",
        claimed_standing="self-declared",
        evidence_class="model-only",
        edition="reference-2026",
        edition_sha256="ab" * 32,
        edition_title=Words("参考版 2026", "Reference edition 2026"),
        normative=False,
        plan="certify",
        plan_title=Words("定级", "certification"),
        langs=("zh", "en"),
        is_grade=True,
        seed_source="os",
        mode=Words("智能体检测", "agent testing"),
        began=NOON + at * DAY,
        ended=NOON + at * DAY + 900,
        ended_by="complete",
        level=f"L{level}",
        level_rank=level,
        level_title=LEVELS[min(level, 3)],
        trust=f"T{trust}" if trust else "–",
        trust_rank=trust,
        trust_title=GRADES[min(trust, 2)],
        efficiency="B",
        clauses=clauses,
        trials=80,
        solved=60,
        tokens_per_solved=12_000.0,
        cost_per_solved=None,
        currency=None,
        joules_per_solved=None,
        seconds_per_solved=14.2,
        gap=(),
        profile=None,
        hardware=None,
        suite="0.6",
    )
    return msgspec.structs.replace(plain, **changes)


def profile(scale=1.0, *, broken=()):
    loads = (1, 2, 4, 8, 16)
    points = tuple(
        LoadPoint(load, scale * 40 * load**0.8, 30 / scale * load**0.5, 12.0, load not in broken)
        for load in loads
    )
    return ProfilePoint(
        is_valid=True,
        concurrency=8,
        tokens_s=points[3].tokens_s,
        ttft_p50_ms=85.0,
        tpot_p50_ms=12.0,
        joules_per_token=0.35,
        solved_per_hour=61.5,
        points=points,
    )


def calibrator(name, level, **changes):
    return entry(
        f"builtin:{name}",
        level=level,
        kind="builtin",
        model=None,
        is_calibrator=True,
        seed_source="applicant",
        **{"tokens_per_solved": None, **changes},
    )


def board(*entries, refused=()):
    return Board(in_order(entries), tuple(refused), "agent-grading 0.6")


JAILED = {"vendor": "星海科技", "model": "tianwen-72b-instruct", "evidence_class": "jailed"}
LOCAL = {"model": "SmolLM2-135M-Instruct", "efficiency": "–", "tokens_estimated": True}
NORTH = {"vendor": "Northwind", "model": "hl-4", "evidence_class": "jailed"}
PARTLY = {"vendor": "Harbour Labs", "model": "hl-4", "evidence_class": "observed"}
CUT = {"ended_by": "budget"}
SCREEN = {"plan": "screen", "plan_title": Words("筛查", "screening"), "is_grade": False}


def uses(tokens, joules=None, cost=None, currency=None):
    """Return what a solved task takes."""
    return {
        "tokens_per_solved": tokens,
        "joules_per_solved": joules,
        "cost_per_solved": cost,
        "currency": currency,
    }


def runs(scale, hardware, **changes):
    """Return a profile and what it was measured on."""
    return {"profile": profile(scale, **changes), "hardware": hardware}


LIMITED = (Words("单次试验限额：模型调用 4 次。", "Limits a trial: 4 model calls."),)


def whole_board():
    """A little of everything: two plans, ties, unknowns, a zero, prices, profiles, a screening."""
    gap = (Gap("L1", 30, 25, 22, 5, 2, 0.1, -0.05, 0.2, 0.45),)
    bold = "audited by Somebody"
    priced = uses(18_400.0, 5200.0, 0.21, "CNY")
    ascend, h100 = runs(3.0, "8 × Ascend 910B"), runs(1.4, "1 × NVIDIA H100", broken=(16,))
    processor = runs(0.3, "2 CPU cores")
    cheap = uses(2_900.0, 310.0, 0.0, "CNY")
    failed = {"solved": 0, "seconds_per_solved": None, "efficiency": "–"}
    return board(
        entry(
            "Tianwen",
            level=3,
            trust=2,
            at=9,
            version="2.1.0",
            gap=gap,
            **JAILED,
            **priced,
            **ascend,
        ),
        entry(
            "Tianwen",
            level=2,
            trust=1,
            at=4,
            version="2.0.3",
            solved=51,
            **JAILED,
            **uses(22_000.0),
        ),
        entry("Tianwen", level=1, at=1, solved=44, **JAILED, **uses(31_000.0)),
        entry(
            "Harbour",
            level=3,
            trust=2,
            at=6,
            solved=66,
            langs=("en",),
            **PARTLY,
            **uses(9_100.0, None, 0.034, "USD"),
        ),
        entry(
            "northwind-agent",
            level=2,
            trust=1,
            at=7,
            solved=70,
            **NORTH,
            **uses(6_300.0, 1900.0, 0.09, "CNY"),
            **h100,
        ),
        entry(
            "小助手",
            level=2,
            trust=1,
            at=8,
            vendor="云上智能",
            model=None,
            solved=58,
            langs=("zh",),
            seed_source="applicant",
            **uses(None),
        ),
        entry("Solo", level=0, at=3, claimed_standing=bold, **CUT, **failed, **uses(None)),
        entry("local", level=0, at=5, solved=7, remarks=LIMITED, **LOCAL, **cheap, **processor),
        entry("Quick", level=1, at=2, efficiency="A", **SCREEN),
        calibrator("oracle", 3, trust=2, solved=80, efficiency="A"),
        calibrator("oracle-L1", 1, solved=50, tokens_per_solved=0.0),
        calibrator("liar", 0, **failed),
        refused=(Refused("tampered", ("run/journal.jsonl: its digest differs", "<b>x</b>")),),
    )
