"""What a solved task takes: an unknown is never a zero."""

import msgspec
import pytest

from conformance.report.costs import agency_trials, costs, tokens_of
from conformance.report.sources import read_evidence
from conformance.report.transcripts import read_transcripts
from tests.profile import documents


@pytest.fixture(scope="module")
def metered(hostile):
    """A bundle with model calls, one of which told no tokens."""
    evidence = read_evidence(hostile)
    return evidence, read_transcripts(evidence)


def facts_of(evidence, transcripts):
    return {
        fact.label.en: (fact.value.en, fact.note.en if fact.note else None)
        for fact in costs(evidence, transcripts)
    }


def all_told(transcripts):
    usage = {trial: use._replace(unknown=0) for trial, use in transcripts.usage.items()}
    return transcripts._replace(usage=usage)


def all_solved(evidence):
    """The same trials, each worth 1 to the clauses that observed it."""
    trials = tuple(
        trial._replace(
            observations=tuple(
                msgspec.structs.replace(line, value=1.0) for line in trial.observations
            )
        )
        for trial in evidence.trials
    )
    return evidence._replace(trials=trials)


def priced(**prices):
    document = documents.profile_of()
    return msgspec.structs.replace(
        document, inputs=msgspec.structs.replace(document.inputs, **prices)
    )


def test_without_a_profile_money_and_energy_are_unknown_and_say_why(oracle):
    evidence = read_evidence(oracle)
    found = facts_of(evidence, read_transcripts(evidence))
    for label in ("Money a solved task", "Energy a solved task"):
        assert found[label][0] == "–"
        assert "no throughput profile" in found[label][1]
    assert found["Money for all trials"] == ("–", "no price of tokens was given")


def test_tokens_of_an_agent_that_calls_no_model_are_unknown(oracle):
    evidence = read_evidence(oracle)
    found = facts_of(evidence, read_transcripts(evidence))
    solved = len(agency_trials(evidence))
    assert found["Solved trials"][0] == f"{solved} of {solved}"
    assert found["Tokens a solved task"][0] == "–"


def test_where_one_call_told_nothing_the_sum_is_unknown(metered):
    evidence, transcripts = metered
    assert tokens_of(evidence, evidence.trials, transcripts.usage) == (None, None, False)


def test_where_an_agent_went_round_the_model_door_the_sum_is_unknown(metered):
    evidence, transcripts = metered
    told = all_told(transcripts)
    assert tokens_of(evidence, evidence.trials, told.usage).total > 0
    claim = msgspec.structs.replace(evidence.claim, unmetered=1)
    assert tokens_of(evidence._replace(claim=claim), evidence.trials, told.usage).total is None


def test_where_a_transcript_is_gone_the_sum_is_unknown(metered):
    evidence, transcripts = metered
    usage = dict(all_told(transcripts).usage)
    usage.pop(evidence.trials[0].id)
    assert tokens_of(evidence, evidence.trials, usage).total is None


def test_where_nothing_was_solved_there_is_no_cost_a_task(metered):
    evidence, transcripts = metered
    assert facts_of(evidence, all_told(transcripts))["Tokens a solved task"] == (
        "–",
        "nothing was solved",
    )


def test_tokens_a_solved_task_are_those_of_all_trials_over_the_solved_ones(metered):
    evidence, transcripts = metered
    told = all_told(transcripts)
    solved = all_solved(evidence)
    trials = [trial for trial, _ in agency_trials(solved)]
    sent, made, _ = tokens_of(solved, trials, told.usage)
    each = (sent + made) / len(trials)
    assert float(facts_of(solved, told)["Tokens a solved task"][0]) == pytest.approx(each, rel=0.01)


def test_money_for_all_trials_follows_from_the_prices_of_tokens(metered):
    evidence, transcripts = metered
    profile = priced(
        price_per_million_input=1000.0,
        price_per_million_output=2000.0,
        price_per_hour=None,
        price_per_kwh=None,
        currency="EUR",
    )
    bought = evidence._replace(profile=profile)
    told = all_told(transcripts)
    sent, made, _ = tokens_of(evidence, evidence.trials, told.usage)
    value, note = facts_of(bought, told)["Money for all trials"]
    amount, currency = value.split()
    assert currency == "EUR"
    assert float(amount) == pytest.approx((sent * 1000 + made * 2000) / 1e6, rel=0.01)
    assert "at the prices" in note
    assert facts_of(bought, transcripts)["Money for all trials"][0] == "–"


def test_half_a_price_is_no_price(metered):
    evidence, transcripts = metered
    profile = priced(
        price_per_million_input=1.0,
        price_per_million_output=None,
        price_per_hour=None,
        price_per_kwh=None,
    )
    found = facts_of(evidence._replace(profile=profile), all_told(transcripts))
    assert found["Money for all trials"] == (
        "–",
        "the price of input or of output alone was given",
    )


def test_energy_and_money_a_task_are_the_profile_s_where_there_is_one(metered):
    evidence, transcripts = metered
    document = documents.profile_of()
    found = facts_of(evidence._replace(profile=document), transcripts)
    assert document.headline.j_per_solved_task is not None
    assert found["Energy a solved task"][0] != "–"
    assert found["Energy a solved task"][1] == "in the profile's window of graded trials"


def test_a_campaign_that_tried_no_agency_task_has_no_costs(metered):
    evidence, transcripts = metered
    assert costs(evidence._replace(trials=()), transcripts) == ()
