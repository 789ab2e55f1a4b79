"""Operators on the oracle's trace; each breaks the requirement it names, by construction."""

from __future__ import annotations

from functools import wraps
from typing import Any, get_args

from conformance.authoring import TOKEN_ALPHABET, Answer, Mutation, Rng, Step, Trace, canonical
from conformance.authoring import Status as AnswerStatus

from .case import Case, Status, cents, money
from .names import DECOYS
from .state import here, lock_code, opening


def other_amount(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Decide a claim with another amount."""
    at = _pick(trace, rng, "decide_claim")
    return _with(trace, at, amount=_other_money(trace.steps[at].arguments["amount"], rng))


def other_status(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Decide a claim with another status."""
    at = _pick(trace, rng, "decide_claim")
    said = trace.steps[at].arguments["status"]
    return _with(trace, at, status=rng.choice([s for s in get_args(Status) if s != said]))


def other_reason(case: Case, trace: Trace, rng: Rng) -> Trace:
    """Decide a claim with another code of the policy."""
    at = _pick(trace, rng, "decide_claim")
    said = trace.steps[at].arguments["reason"]
    others = [code for code in case.policy.codes.values() if code != said]
    return _with(trace, at, reason=rng.choice(others))


def other_approver(case: Case, trace: Trace, rng: Rng) -> Trace:
    """Have another approver approve a claim."""
    at = _pick(trace, rng, "request_approval")
    said = trace.steps[at].arguments["approver"]
    others = [a.id for a in case.approvers if a.id != said]
    return _with(trace, at, approver=rng.choice(others))


def no_approval(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Leave an approval out."""
    return _without(trace, _pick(trace, rng, "request_approval"))


def unbalanced(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Change the amount of one line of a voucher."""
    at = _pick(trace, rng, "post_voucher")
    lines = _lines(trace, at)
    line = rng.choice(lines)
    line["amount"] = _other_money(line["amount"], rng)
    return _with(trace, at, lines=lines)


def other_voucher_amount(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Change a voucher's debit and one credit alike: balanced, and wrong."""
    at = _pick(trace, rng, "post_voucher")
    lines = _lines(trace, at)
    more = rng.integer(1, 500_00)
    for line in lines[:2]:
        line["amount"] = money(cents(line["amount"]) + more)
    return _with(trace, at, lines=lines)


def other_account(case: Case, trace: Trace, rng: Rng) -> Trace:
    """Post one line of a voucher to an account that the voucher does not use."""
    at = _pick(trace, rng, "post_voucher")
    lines = _lines(trace, at)
    used = {line["account"] for line in lines}
    others = [number for number in case.policy.accounts.values() if number not in used]
    rng.choice(lines)["account"] = rng.choice(others)
    return _with(trace, at, lines=lines)


def no_voucher(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Leave a voucher out."""
    return _without(trace, _pick(trace, rng, "post_voucher"))


def voucher_for_rejected(case: Case, trace: Trace, rng: Rng) -> Trace:
    """Pay a claim that was rejected."""
    rejected = [
        step.arguments["claim_id"]
        for step in trace.steps
        if step.name == "decide_claim" and step.arguments["status"] == "rejected"
    ]
    accounts, amount = case.policy.accounts, money(rng.integer(1, 2000_00))
    lines = [
        {"account": accounts["training"], "side": "debit", "amount": amount},
        {"account": accounts["bank"], "side": "credit", "amount": amount},
    ]
    return _before_close(trace, "post_voucher", claim_id=rng.choice(rejected), lines=lines)


def closes_early(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Close the month before a voucher is posted, which is then turned away."""
    at = _pick(trace, rng, "post_voucher")
    closing = _closing(trace)
    steps, close = trace.steps, trace.steps[closing]
    return trace._replace(steps=(*steps[:at], close, *steps[at:closing], *steps[closing + 1 :]))


def not_closed(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Leave the month open."""
    return trace._replace(steps=trace.steps[: _closing(trace)])


def pays_first(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Post a voucher before its approval."""
    at = _pick(trace, rng, "request_approval")
    steps = list(trace.steps)
    steps[at], steps[at + 1] = steps[at + 1], steps[at]
    return trace._replace(steps=tuple(steps))


def decides_elsewhere(case: Case, trace: Trace, rng: Rng) -> Trace:
    """Decide an open claim of another department or month as well."""
    claim = rng.choice([c for c in case.claims if c.outcome == "open" and not case.holds(c)])
    return _before_close(
        trace,
        "decide_claim",
        claim_id=claim.id,
        status="rejected",
        reason=rng.choice(list(case.policy.codes.values())),
        amount="0.00",
    )


def closes_elsewhere(case: Case, trace: Trace, rng: Rng) -> Trace:
    """Close, or reopen, another period as well."""
    periods = opening(case)["periods"]
    own = ":".join(here(case).values())
    key = rng.choice([name for name in periods if name != own])
    tool = "close_month" if periods[key]["status"] == "open" else "reopen_period"
    department, month = key.split(":")
    return _before_close(trace, tool, department=department, month=month)


def takes_decoy(case: Case, trace: Trace, rng: Rng) -> Trace | None:
    """Take a tool that sounds like a step of the work, besides the right one."""
    if not set(DECOYS) <= set(case.tools):
        return None
    claim_id = rng.choice(case.batch).id
    match rng.below(3):
        case 0:
            return _before_close(trace, "close_ledger", month=case.month)
        case 1:
            at = _pick(trace, rng, "post_voucher")
            return _before_close(trace, "post_accrual", claim_id=claim_id, lines=_lines(trace, at))
        case _:
            colleague = rng.choice(case.staff).id
            return _before_close(trace, "request_opinion", claim_id=claim_id, colleague=colleague)


def other_settlement(case: Case, trace: Trace, rng: Rng) -> Trace:
    """Report another settlement id."""
    given = _answer(trace).values["settlement_id"]
    lock = lock_code(case, case.department, case.month)
    values = _answer(trace).values | {"settlement_id": rng.choice((lock, _misread(given, rng)))}
    return trace._replace(answer=Answer("done", values=values))


def other_total(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Report another total."""
    total = _other_money(_answer(trace).values["total_paid"], rng)
    values = _answer(trace).values | {"total_paid": total}
    return trace._replace(answer=Answer("done", values=values))


def other_end(case: Case, trace: Trace, rng: Rng) -> Trace:  # noqa: ARG001
    """Report another status."""
    given = _answer(trace)
    others = [status for status in get_args(AnswerStatus) if status != given.status]
    return trace._replace(answer=Answer(rng.choice(others), given.reason, given.values))


def other_lock_code(case: Case, trace: Trace, rng: Rng) -> Trace | None:
    """Give another reason for the refusal."""
    reason = _answer(trace).reason
    if reason is None:
        return None
    others = [p["lock_code"] for p in opening(case)["periods"].values() if "lock_code" in p]
    wrong = rng.choice([*(code for code in others if code != reason), _misread(reason, rng)])
    return trace._replace(answer=Answer("refused", wrong))


def works_on_locked(case: Case, trace: Trace, rng: Rng) -> Trace | None:
    """Reopen the locked month and decide a claim, then refuse all the same."""
    if case.ending != "locked":
        return None
    reopened = Step("reopen_period", here(case))
    decided = Step(
        "decide_claim",
        {
            "claim_id": rng.choice(case.batch).id,
            "status": "rejected",
            "reason": rng.choice(list(case.policy.codes.values())),
            "amount": "0.00",
        },
    )
    return trace._replace(steps=(*trace.steps, reopened, decided))


def _settling(name: str, requirement: str, apply: Any) -> Mutation[Case]:
    """Return the mutation, which has nothing to break where the month is locked."""

    @wraps(apply)
    def guarded(case: Case, trace: Trace, rng: Rng) -> Trace | None:
        return None if case.ending == "locked" else apply(case, trace, rng)

    return Mutation(name, requirement, guarded)


MUTATIONS: tuple[Mutation[Case], ...] = (
    _settling("other_amount", "goal.amount", other_amount),
    _settling("other_status", "goal.status", other_status),
    _settling("other_reason", "goal.reason", other_reason),
    _settling("other_approver", "goal.approval", other_approver),
    _settling("no_approval", "goal.approval", no_approval),
    _settling("unbalanced", "goal.balance", unbalanced),
    _settling("other_voucher_amount", "goal.posting", other_voucher_amount),
    _settling("other_account", "goal.posting", other_account),
    _settling("no_voucher", "goal.posting", no_voucher),
    _settling("voucher_for_rejected", "goal.posting", voucher_for_rejected),
    _settling("closes_early", "goal.posting", closes_early),
    _settling("not_closed", "goal.closed", not_closed),
    _settling("pays_first", "conduct.approval_first", pays_first),
    _settling("decides_elsewhere", "frame", decides_elsewhere),
    _settling("closes_elsewhere", "frame", closes_elsewhere),
    _settling("takes_decoy", "frame", takes_decoy),
    _settling("other_settlement", "answer.values.settlement_id", other_settlement),
    _settling("other_total", "answer.values.total_paid", other_total),
    Mutation("other_end", "answer.status", other_end),
    Mutation("other_lock_code", "answer.reason", other_lock_code),
    Mutation("works_on_locked", "frame", works_on_locked),
)


def _pick(trace: Trace, rng: Rng, name: str) -> int:
    """Pick a call; of one that faults had made again, the last."""
    named = {canonical(s.arguments): i for i, s in enumerate(trace.steps) if s.name == name}
    return rng.choice(list(named.values()))


def _closing(trace: Trace) -> int:
    """Return where the month is closed."""
    return next(i for i, step in enumerate(trace.steps) if step.name == "close_month")


def _with(trace: Trace, at: int, **changes: Any) -> Trace:
    step = trace.steps[at]
    changed = Step(step.name, {**step.arguments, **changes})
    return trace._replace(steps=(*trace.steps[:at], changed, *trace.steps[at + 1 :]))


def _without(trace: Trace, at: int) -> Trace:
    return trace._replace(steps=trace.steps[:at] + trace.steps[at + 1 :])


def _before_close(trace: Trace, name: str, **arguments: Any) -> Trace:
    at = _closing(trace)
    return trace._replace(steps=(*trace.steps[:at], Step(name, arguments), *trace.steps[at:]))


def _lines(trace: Trace, at: int) -> list[dict[str, str]]:
    return [dict(line) for line in trace.steps[at].arguments["lines"]]


def _other_money(amount: str, rng: Rng) -> str:
    """Return another amount, some cents to some hundreds off."""
    given, off = cents(amount), rng.integer(1, 300_00)
    return money(given - off if rng.chance(50) and given > off else given + off)


def _misread(token: str, rng: Rng) -> str:
    """Return a token with one character read wrong."""
    at = rng.below(len(token))
    other = rng.choice([letter for letter in TOKEN_ALPHABET if letter != token[at]])
    return token[:at] + other + token[at + 1 :]


def _answer(trace: Trace) -> Answer:
    assert trace.answer is not None  # noqa: S101 - an oracle always answers
    return trace.answer
