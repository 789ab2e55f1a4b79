"""The vendor's own grader. The edition has a module of this name."""

from conformance.authoring import Finding, Score


def grade(played):
    right = played.instance.right_end.values["lamps"]
    given = None if played.answer is None else played.answer.values.get("lamps")
    found = [*played.instance.family.goal(played.instance.scenario, played.final)]
    if given != right:
        found.append(Finding("answer.lamps", f"{given} lamps, not {right}"))
    return Score(float(not found), tuple(found))
