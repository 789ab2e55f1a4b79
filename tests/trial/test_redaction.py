"""Redaction: what must not reach evidence is gone, in every notation; everything else stays."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.authoring import canonical
from conformance.edition import read
from conformance.trial.redaction import HOME, SECRET, redactor

KEY = 'nv-"quo\\ted"-клюк-9f8e7d'
SECRET_TEXT, HOME_TEXT = SECRET.decode(), HOME.decode()


def clean(text, *secrets, **more):
    """Return ``text`` as a string of JSON comes out of redaction."""
    line = msgspec.json.encode({"type": "note", "text": text})
    return msgspec.json.decode(redactor(secrets, **more)(line))["text"]


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_key_is_taken_out_of_json_within_json(depth, ascii_only):
    text = KEY
    for _ in range(depth):
        text = json.dumps({"error": f"bad key {text}!"}, ensure_ascii=ascii_only)
    found = clean(text, KEY)
    for part in ("9f8e7d", "quo", "клюк", "\\u043a"):
        assert part not in found
    assert SECRET_TEXT in found


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Bearer abc.DEF-123_456~7+/==", "Authorization: [redacted]"),
        ("authorization: bearer abcdef", "authorization: [redacted]"),
        ("AUTHORIZATION=Basic dXNlcjpwYXNz", "AUTHORIZATION=[redacted]"),
        ("Authorization: Token abcdef0123", "Authorization: [redacted]"),
        ("Authorization: ApiKey abcdef0123", "Authorization: [redacted]"),
        ("Authorization: abcdef0123, Accept: */*", "Authorization: [redacted], Accept: */*"),
        ("Proxy-Authorization: Basic dXNlcjpwYXNz", "Proxy-Authorization: [redacted]"),
        (
            'Authorization: Digest username="Mufasa", nonce="dcd98b", qop=auth, response="66afc5"',
            "Authorization: [redacted]",
        ),
        ("{'Authorization': 'Bearer abcdef123'}", "{'Authorization': '[redacted]'}"),
        ("{b'authorization': b'Basic dXNlcjpwYXNz'}", "{b'authorization': b'[redacted]'}"),
        ('{"Authorization": "Basic dXNlcjpwYXNz"}', '{"Authorization": "[redacted]"}'),
        ("('authorization', 'Basic dXNlcjpwYXNz')", "('authorization', '[redacted]')"),
        ("x-api-key: abcdef0123", "x-api-key: [redacted]"),
        ("X-Goog-Api-Key: AIzaSyA-0123456", "X-Goog-Api-Key: [redacted]"),
        ('{"api_key": "abcdef0123"}', '{"api_key": "[redacted]"}'),
        ("OPENAI_API_KEY=abcdef0123 make", "OPENAI_API_KEY=[redacted] make"),
        ("sent Bearer eyJhbGciOi.J9 to it", "sent Bearer [redacted] to it"),
        ("Incorrect key sk-proj-abcdefgh1234 given", "Incorrect key [redacted] given"),
        ("see https://user:p4ss@host/x?y", "see https://[redacted]@host/x?y"),
        ("see https://user:p@ss@host/x", "see https://[redacted]@host/x"),
        ("postgres://u@db:5432", "postgres://[redacted]@db:5432"),
        ("in /home/alice/work", "in [home]/work"),
        ("in /Users/Alice/work", "in [home]/work"),
        ("in file:///home/alice/work", "in file://[home]/work"),
        ("in C:\\Users\\alice\\work", "in [home]\\work"),
    ],
)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_credentials_and_homes_go_in_every_notation(text, kept, depth):
    for _ in range(depth):
        text, kept = json.dumps({"said": text}), json.dumps({"said": kept})
    assert clean(text) == kept


def test_ones_own_home_goes_wherever_it_lies(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/srv/agents"))
    assert clean("at /srv/agents/runs and /srv/agents.") == "at [home]/runs and [home]."
    assert clean("at /srv/agents2 and usr/srv/agents") == "at /srv/agents2 and usr/srv/agents"


def test_the_values_of_named_environment_variables_go(monkeypatch):
    monkeypatch.setenv("TENANT", "blue-giraffe")
    assert clean("for blue-giraffe only", environment=["TENANT", "NOT_SET"]) == (
        "for [redacted] only"
    )
    assert clean("for blue-giraffe only") == "for blue-giraffe only"


def test_a_key_that_begins_another_does_not_leave_its_end():
    assert clean("abcdefgh abcdef", "abcdef", "abcdefgh") == "[redacted] [redacted]"


@pytest.mark.parametrize("value", ["", "a", "EMPTY", "abcde"])
def test_a_value_too_short_to_be_a_key_redacts_no_words(value):
    assert clean(f"the {value} word", value) == f"the {value} word"


@pytest.mark.parametrize(
    "text",
    [
        "the bearer of this note",
        "basic information",
        "https://example.org/a@b",
        "mail me at a@b.org, see http://example.org",
        "a task-force, a risk-averse-model-name",
        "api keys are secret",
        "authorization is needed: ask",
        "{'tool': 'look', 'level': 12345678}",
        "0123456789abcdef" * 4,
        "回执 ABCDEF0123 已签发",
        "/homework/alice and /usersguide/x",
    ],
)
def test_nothing_else_is_changed(text):
    assert clean(text, KEY) == text


@pytest.mark.parametrize("number", ["12345678", "1234567.5", "-12345678"])
def test_a_number_under_a_header_s_name_leaves_the_line_json(number):
    line = f'{{"api_key":{number},"authorization":{number}}}'.encode()
    assert msgspec.json.decode(redactor([])(line)) == json.loads(line)


def test_a_key_that_looks_like_the_end_of_an_escape_leaves_the_line_json():
    line = msgspec.json.encode({"text": "one\nabcdef", "list": ["x\tabcdef"], "n": 1.5})
    again = msgspec.json.decode(redactor(["nabcdef", "u0001x", "tabcdef"])(line))
    assert again == {"text": "one\nabcdef", "list": ["x\tabcdef"], "n": 1.5}


WORDS = st.sampled_from(
    [
        "Authorization: ",
        "authorization=",
        '"api_key":',
        "Bearer ",
        "Basic ",
        "://",
        "@",
        "/home/",
        "C:\\Users\\",
        "sk-",
        "abcdef",
        "0123456789",
        ' ="',
        '", nonce="',
        '"',
        "\\",
        "'",
        "\n",
        "\x01",
        "клюк",
        KEY,
        "nabcdef",
        " ",
    ]
)
TEXT = st.lists(WORDS | st.text(max_size=5), max_size=12).map("".join)
JSON = st.recursive(
    TEXT | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_line_stays_json_of_the_same_shape(value):
    line = msgspec.json.encode({"type": "note", "value": value})
    again = msgspec.json.decode(redactor([KEY, "nabcdef", "u0001"])(line))
    assert again["type"] == "note"
    assert shape(again["value"]) == shape(value)


@given(TEXT, st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), min_size=6))
def test_no_key_is_left_wherever_it_stands(text, key):
    line = msgspec.json.encode({"text": f"{text} {key} {text}"})
    cleaned = redactor([key])(line)
    assert msgspec.json.encode(f" {key} ")[1:-1] not in cleaned


def shape(value):
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    return "text" if isinstance(value, str) else value


@pytest.mark.parametrize("family", ["telemetry", "records", "jobspec"])
def test_nothing_of_a_shipped_world_is_taken_for_a_secret(family):
    edition, redact = read(), redactor([])
    for seed in range(20):
        for lang in ("zh", "en"):
            instance = edition.instance(family, {}, seed=str(seed), lang=lang, wording=seed)
            played = instance.solve()
            for value in (
                played.initial,
                played.final,
                instance.instruction,
                [msgspec.to_builtins(call) for call in played.calls],
            ):
                assert redact(canonical(value)) == canonical(value)
