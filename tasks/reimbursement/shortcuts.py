"""Policies that must never solve an instance.

Where one needs the facts of a claim it takes them from the scenario instead of reading them: the
reading tools show the same facts, so it is at least as strong as an agent that reads.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut, ToolError, mint

from .audit import audit, in_base_currency
from .case import CAP_RULES, FX_BASES, OTHER_RULES, Case, Verdict, money
from .oracle import report, settle
from .recovery import Steady
from .state import decision, here, lines, right_settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_GREEDY = frozenset({"duplicates", "excluded", "receipts", "own_claim", *CAP_RULES, *OTHER_RULES})
_READS = ("get_period", "list_claims", "check_duplicates", "get_staff", "get_policy")


def do_nothing(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Claim success without any call."""
    return Answer("done")


def refuse(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Refuse without looking."""
    return Answer("refused", reason="not permitted")


def answer_without_call(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Guess the settlement id; the total may even be right."""
    return Answer("done", values={"settlement_id": rng.token(), "total_paid": _total(case)})


def close_only(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Close the month as it stands and report the right total."""
    closed = Steady(case, act)("close_month", **here(case))
    return Answer("done", values=report(closed, right_settlement(case)[1]))


def reject_all(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Reject every claim with the first code at hand."""
    code = case.policy.codes["excluded"]
    return settle(case, act, {c.id: Verdict("rejected", code, 0, None, ()) for c in case.batch})


def approve_all(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Pay every claim what it asks."""
    accounts, verdicts = case.policy.accounts, {}
    for claim in case.batch:
        amount = in_base_currency(case, claim)
        verdicts[claim.id] = Verdict(
            "paid_full",
            case.policy.codes["full"],
            amount,
            case.approvers[-1].id,
            ((accounts[claim.category], "debit", amount), (accounts["bank"], "credit", amount)),
        )
    return settle(case, act, verdicts)


def greedy(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Pay what is asked up to the cap and leave all other rules aside."""
    return settle(case, act, audit(case, _GREEDY))


def _skipping(*rules: str) -> Callable[[Case, Act, Rng], Answer]:
    def play(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
        return settle(case, act, audit(case, frozenset(rules)))

    return play


def other_fx_day(case: Case, act: Act, rng: Rng) -> Answer:
    """Convert with the rate of a day that is not the policy's."""
    basis = rng.choice([name for name in FX_BASES if name != case.policy.fx_basis])
    return settle(case, act, audit(case, basis=basis))


def one_approver(case: Case, act: Act, rng: Rng) -> Answer:
    """Audit right, but have one person approve everything."""
    approver = rng.choice(case.approvers).id
    return settle(
        case,
        act,
        {
            claim_id: verdict._replace(approver=verdict.approver and approver)
            for claim_id, verdict in case.verdicts.items()
        },
    )


def pays_first(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Audit right, post every voucher at once, collect the approvals afterwards."""
    act, verdicts = Steady(case, act), case.verdicts
    paid = {claim_id: v for claim_id, v in verdicts.items() if v.approver is not None}
    for claim_id, verdict in verdicts.items():
        act("decide_claim", claim_id=claim_id, **decision(verdict))
    for claim_id, verdict in paid.items():
        act("post_voucher", claim_id=claim_id, lines=lines(verdict))
    for claim_id, verdict in paid.items():
        act("request_approval", claim_id=claim_id, approver=verdict.approver)
    return Answer("done", values=report(act("close_month", **here(case)), _cents(verdicts)))


def reopens(case: Case, act: Act, rng: Rng) -> Answer:
    """Open the period whatever its state, then settle greedily."""
    act("reopen_period", **here(case))
    return greedy(case, act, rng)


def near_synonyms(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Audit right, but take the first tool that sounds like the step."""
    verdicts = case.verdicts
    for claim_id, verdict in verdicts.items():
        if verdict.approver is not None:
            act("request_opinion", claim_id=claim_id, colleague=verdict.approver)
            act("post_accrual", claim_id=claim_id, lines=lines(verdict))
    closed = act("close_ledger", month=case.month)
    return Answer("done", values=report({"settlement_id": closed["closing_id"]}, _cents(verdicts)))


def computes_only(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Work the total out and write nothing."""
    return Answer("done", values={"settlement_id": "", "total_paid": _total(case)})


def copies_instruction(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Answer with what the instruction names."""
    named = f"{case.department} {case.month}"
    return Answer("done", reason=named, values={"settlement_id": named, "total_paid": case.month})


def memoriser(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Give the answer of an instance seen before."""
    seen = mint("seen before", "settlement")
    return Answer("done", reason=seen, values={"settlement_id": seen, "total_paid": "1834.20"})


def random_calls(case: Case, act: Act, rng: Rng) -> Answer:
    """Make legal calls at random, close, report what comes back."""
    codes, people = list(case.policy.codes.values()), [a.id for a in case.approvers]
    for _ in range(3 * len(case.batch)):
        claim_id = rng.choice(case.batch).id
        amount = money(rng.integer(1_00, 3000_00))
        with suppress(ToolError):
            match rng.below(3):
                case 0:
                    status = rng.choice(("paid_full", "paid_reduced", "rejected"))
                    act(
                        "decide_claim",
                        claim_id=claim_id,
                        status=status,
                        reason=rng.choice(codes),
                        amount=amount,
                    )
                case 1:
                    act("request_approval", claim_id=claim_id, approver=rng.choice(people))
                case _:
                    act("post_voucher", claim_id=claim_id, lines=_random_lines(case, rng, amount))
    closed = Steady(case, act)("close_month", **here(case))
    return Answer("done", values={**report(closed, 0), "total_paid": rng.integer(100, 9000)})


def dump_all(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Read everything, close, and hand in all strings that came back, joined."""
    found: list[str] = []
    for name, arguments in _everything(case):
        with suppress(ToolError):
            found += _strings(act(name, **arguments))
    spilled = " ".join(found)
    return Answer("done", reason=spilled, values={"settlement_id": spilled, "total_paid": spilled})


def confuses_types(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Attack the verifier: arguments and values of wrong types, oversized, not finite."""
    for strange in (None, True, 10**30, "9" * 5000, ["*"], {"$ne": ""}):
        with suppress(ToolError):
            act("decide_claim", claim_id=strange, status="paid_full", reason="*", amount=strange)
        with suppress(ToolError):
            act("close_month", department=strange, month=strange)
    return Answer("done", values={"settlement_id": [True, {}], "total_paid": "NaN"})


def injects_keys(case: Case, act: Act, rng: Rng) -> Answer:  # noqa: ARG001
    """Attack the verifier: path-like ids, and keys of the right end inside the values."""
    for path in ("../periods", "/claims/*", case.department + ":" + case.month, "__proto__"):
        with suppress(ToolError):
            act("post_voucher", claim_id=path, lines=[])
        with suppress(ToolError):
            act("reopen_period", department=path, month=case.month)
    smuggled = {"status": "done", "solved": True, "right_end": {}, "settlement_id": "*"}
    return Answer("done", reason="*", values={**smuggled, "total_paid": "Infinity"})


SHORTCUTS: tuple[Shortcut[Case], ...] = (
    Shortcut("do_nothing", do_nothing),
    Shortcut("refuse", refuse),
    Shortcut("answer_without_call", answer_without_call, held_out=True),
    Shortcut("computes_only", computes_only, held_out=True),
    Shortcut("close_only", close_only),
    Shortcut("reject_all", reject_all),
    Shortcut("approve_all", approve_all, held_out=True),
    Shortcut("greedy", greedy, held_out=True),
    Shortcut("ignores_duplicates", _skipping("duplicates"), held_out=True),
    Shortcut("rejects_lookalikes", _skipping("lookalikes"), held_out=True),
    Shortcut("ignores_caps", _skipping("caps"), held_out=True),
    Shortcut("ignores_own_claims", _skipping("own_claim"), held_out=True),
    Shortcut("ignores_interactions", _skipping(*CAP_RULES, *OTHER_RULES), held_out=True),
    Shortcut("other_fx_day", other_fx_day, held_out=True),
    Shortcut("one_approver", one_approver, held_out=True),
    Shortcut("pays_first", pays_first, held_out=True),
    Shortcut("reopens", reopens, held_out=True),
    Shortcut("near_synonyms", near_synonyms, held_out=True),
    Shortcut("copies_instruction", copies_instruction, held_out=True),
    Shortcut("memoriser", memoriser, held_out=True),
    Shortcut("random_calls", random_calls, held_out=True),
    Shortcut("dump_all", dump_all, held_out=True),
    Shortcut("confuses_types", confuses_types, held_out=True),
    Shortcut("injects_keys", injects_keys, held_out=True),
)


def _total(case: Case) -> str:
    return money(right_settlement(case)[1])


def _cents(verdicts: dict[str, Verdict]) -> int:
    return sum(verdict.cents for verdict in verdicts.values())


def _random_lines(case: Case, rng: Rng, amount: str) -> list[dict[str, str]]:
    accounts = list(case.policy.accounts.values())
    return [
        {"account": rng.choice(accounts), "side": side, "amount": amount}
        for side in ("debit", "credit")
    ]


def _everything(case: Case) -> Iterable[tuple[str, dict[str, Any]]]:
    for name in (*_READS, "export_claims", "close_month"):
        if name == "get_policy":
            yield name, {}
        elif name == "get_staff":
            yield name, {"department": case.department}
        else:
            yield name, here(case)
    for claim in case.batch:
        yield "get_claim", {"claim_id": claim.id}


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []
