"""Every L1 instance, forbidden tools included, fits a small model's context."""

import asyncio
import itertools
import json
import urllib.request

import pytest

from conformance.authoring import LANGS
from conformance.edition import load
from conformance.edition.gate import estimate_tokens, shown_to_agent
from conformance.edition.instances import resolve_knobs

BUDGET = 2_500
SEEDS = 6


def l1_instances():
    edition = load()
    for clause in edition.clauses:
        for draw in clause.draws if clause.step == "L1" else ():
            family = edition.family(draw.family)
            for knobs, lang, seed in itertools.product(
                resolve_knobs(family, draw.knobs), LANGS, range(SEEDS)
            ):
                yield edition.instance(
                    draw.family,
                    json.loads(knobs),
                    seed=f"budget-{seed}",
                    lang=lang,
                    wording=seed % family.wordings,
                )


def test_by_an_estimate_from_above():
    instances = list(l1_instances())
    assert len({instance.family.id for instance in instances}) == 3
    for instance in instances:
        tokens = estimate_tokens(shown_to_agent(instance))
        assert tokens <= BUDGET, (instance.family.id, instance.knobs, instance.lang)


@pytest.mark.model
def test_by_the_embedded_models_own_tokenizer():
    from conformance.local.endpoint import LocalEndpoint
    from conformance.local.weights import WeightsError, get_weights

    try:
        get_weights()
    except WeightsError as error:
        pytest.skip(f"THE EMBEDDED MODEL WAS NOT TRIED: {error}")

    async def count():
        async with LocalEndpoint(slots=2) as endpoint:
            assert endpoint.slot_tokens >= 4_096
            url = endpoint.base_url.removesuffix("/v1") + "/tokenize"
            return [await asyncio.to_thread(tokens, url, text) for text in texts]

    texts = [shown_to_agent(instance) for instance in l1_instances()]
    counts = asyncio.run(count())
    assert max(counts) <= BUDGET
    estimates = list(map(estimate_tokens, texts))
    assert all(real <= guess for real, guess in zip(counts, estimates, strict=True))


def tokens(url, text):
    body = json.dumps({"content": text}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return len(json.load(reply)["tokens"])
