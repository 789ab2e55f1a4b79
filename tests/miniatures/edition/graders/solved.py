"""The goal holds, nothing else changed, the answer has the receipt."""

from conformance.authoring import Finding, Played, Score, changed_paths, outside, same_value


def grade(played: Played) -> Score:
    instance, answer = played.instance, played.answer
    findings = list(instance.family.goal(instance.scenario, played.final))
    allowed = instance.family.may_change(instance.scenario)
    findings += [
        Finding("frame", f"{path} changed")
        for path in outside(changed_paths(played.initial, played.final), allowed)
    ]
    right = instance.right_end.values["receipt"]
    if answer is None or not same_value(answer.values.get("receipt"), right):
        findings.append(Finding("answer.receipt", "no receipt, or not the one the world gave"))
    return Score(float(not findings), tuple(findings))
