from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import Settings, get_settings
from app.db import transaction
from app.inference.fake import BASE_DIGEST, FakeEngine
from app.models import Adapter, Rewrite, Tenant, User

Ask = Callable[..., Any]


def test_the_active_version_writes_and_the_answer_says_so(
    ask: Ask, voice: Adapter, engine: FakeEngine, rung: Callable[[str], list[dict[str, Any]]]
) -> None:
    answer = ask(text="I will see you soon.", n=2, temperature=0.3, max_tokens=50, seed=7)
    assert answer.status_code == 200
    body = answer.json()
    who = f"{voice.digest[:8]}#7"
    assert body["texts"] == [f"{who}.0 I will see you soon.", f"{who}.1 I will see you soon."]
    assert body["text"] == body["texts"][0]
    assert body["finish"] == ["stop", "stop"]
    assert (body["faithfulness"], body["lost"]) == ([1.0, 1.0], [[], []])
    assert body["adapter"] == {"version": 1, "digest": voice.digest}
    assert (body["base_digest"], body["mode"], body["seed"]) == (BASE_DIGEST, None, 7)
    assert body["usage"] == {"prompt_tokens": 5, "completion_tokens": 12}
    assert body["timing"].keys() == {"queue", "load", "generate", "total"}
    assert (body["scores"], body["notes"]) == (None, [])
    spec = engine.specs[-1]
    assert (spec.n, spec.temperature, spec.max_tokens, spec.tenant_id) == (2, 0.3, 50, voice.tenant_id)
    assert rung("rewrites.score") == [{"rewrite_id": body["rewrite_id"]}]


def test_how_words_are_drawn_can_be_said(ask: Ask, voice: Adapter, engine: FakeEngine, client: TestClient) -> None:
    body = ask(top_p=0.9, stop=["\n", "END"], logprobs=True).json()
    spec = engine.specs[-1]
    assert (spec.top_p, spec.stop, spec.wants_logprobs) == (0.9, ["\n", "END"], True)
    assert body["logprobs"] == [[{"token": body["text"], "logprob": 0.0}]]
    assert client.get(f"/v1/rewrites/{body['rewrite_id']}").json()["logprobs"] == body["logprobs"]
    assert ask().json()["logprobs"] is None


def test_it_can_be_read_again_with_its_scores(ask: Ask, voice: Adapter, client: TestClient) -> None:
    body = ask(seed=1).json()
    again = client.get(f"/v1/rewrites/{body['rewrite_id']}")
    assert (again.status_code, again.json()) == (200, body)
    scores = [{"style": None, "meaning": 0.9, "entities": 1.0, "human": -3.2}]
    with transaction(voice.tenant_id) as session:
        row = session.get(Rewrite, body["rewrite_id"])
        assert row is not None
        row.scores = scores
    assert client.get(f"/v1/rewrites/{body['rewrite_id']}").json()["scores"] == scores


def test_it_tells_what_a_text_has_lost(
    ask: Ask, voice: Adapter, engine: FakeEngine, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.loses = ["Vienna", "3"]
    body = ask(text="Come to Vienna at 3.", n=2).json()
    assert body["lost"] == [["Vienna", "3"]] * 2
    assert body["faithfulness"] == [pytest.approx(1 / 3)] * 2
    with transaction(voice.tenant_id) as session:
        row = session.get(Rewrite, body["rewrite_id"])
        assert row is not None
        row.usage = {"prompt_tokens": 1, "completion_tokens": 2, "finish": ["stop", "empty"]}
    old = client.get(f"/v1/rewrites/{body['rewrite_id']}").json()
    assert (old["finish"], old["faithfulness"], old["lost"]) == (["stop", "empty"], None, None)


def test_the_engine_is_told_how_many_candidates_to_write(
    ask: Ask, voice: Adapter, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    monkeypatch.setenv("IDIOLECT_REWRITE_CANDIDATES", "2")
    get_settings.cache_clear()
    ask()
    assert [spec.candidates for spec in engine.specs] == [Settings.model_fields["rewrite_candidates"].default, 2]


def test_without_a_version_the_base_writes_and_a_note_tells(ask: Ask, ada: User) -> None:
    body = ask().json()
    assert body["adapter"] is None
    assert body["text"].startswith("base#")
    assert "no active version" in body["notes"][0]


def test_base_and_older_versions_can_be_asked_for(
    ask: Ask, ada: User, voice: Adapter, make_adapter: Callable[..., Adapter]
) -> None:
    newer = make_adapter(ada, b"newer", promote=True)
    assert ask(adapter="base").json()["adapter"] is None
    assert ask(adapter="base").json()["notes"] == []
    assert ask(adapter=1).json()["adapter"] == {"version": 1, "digest": voice.digest}
    assert ask().json()["adapter"] == {"version": 2, "digest": newer.digest}


def test_a_seed_left_out_is_drawn_and_told(ask: Ask, voice: Adapter, engine: FakeEngine) -> None:
    seeds = [ask().json()["seed"] for _ in range(3)]
    assert seeds == [spec.seed for spec in engine.specs]
    assert len(set(seeds)) == 3
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize("context", ["work", "WORK", "  Work "])
def test_a_context_chooses_the_voice(ask: Ask, two_voices: Adapter, engine: FakeEngine, context: str) -> None:
    body = ask(context=context).json()
    assert (body["mode"], engine.specs[-1].tag) == ("work", "work")


def test_without_a_context_the_seed_draws_voices_by_their_share(ask: Ask, two_voices: Adapter) -> None:
    drawn = [ask(seed=seed).json()["mode"] for seed in range(40)]
    assert drawn == [ask(seed=seed).json()["mode"] for seed in range(40)]
    assert set(drawn) == {"work", "home"}
    assert 22 <= drawn.count("work") <= 37


def test_an_unknown_context_names_the_voices_there_are(ask: Ask, two_voices: Adapter, engine: FakeEngine) -> None:
    answer = ask(context="sports")
    assert answer.status_code == 422
    assert answer.json()["field"] == "context"
    assert "work, home" in answer.json()["remedy"]
    assert engine.specs == []


def test_a_context_is_ignored_with_a_note_where_there_is_one_voice(ask: Ask, voice: Adapter) -> None:
    body = ask(context="work").json()
    assert body["mode"] is None
    assert "context was ignored" in body["notes"][0]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"text": ""}, 422, "text"),
        ({"text": " \n\t"}, 422, "text"),
        ({"text": "nul \0 inside"}, 422, "text"),
        ({"text": "a " * 500_000}, 413, "text"),
        ({"text": 7}, 422, "text"),
        ({"user_id": ""}, 422, "user_id"),
        ({"user_id": "nobody"}, 404, "user_id"),
        ({"user_id": "theirs"}, 404, "user_id"),
        ({"adapter": 9}, 404, "adapter"),
        ({"adapter": "newest"}, 422, "adapter"),
        ({"adapter": 0}, 422, "adapter"),
        ({"adapter": True}, 422, "adapter"),
        ({"n": 0}, 422, "n"),
        ({"n": 9}, 422, "n"),
        ({"temperature": 2.5}, 422, "temperature"),
        ({"temperature": "nan"}, 422, "temperature"),
        ({"max_tokens": 0}, 422, "max_tokens"),
        ({"seed": -1}, 422, "seed"),
        ({"seed": 2**31}, 422, "seed"),
        ({"context": ""}, 422, "context"),
        ({"top_p": 0}, 422, "top_p"),
        ({"top_p": 1.1}, 422, "top_p"),
        ({"stop": ["a"] * 5}, 422, "stop"),
        ({"stop": [""]}, 422, "stop.0"),
        ({"max_tokens": 10**9}, 422, "max_tokens"),
        ({"stream": "perhaps"}, 422, "stream"),
        ({"sed": 3}, 422, "sed"),
    ],
)
def test_bad_input_is_named_and_nothing_is_done(
    ask: Ask,
    voice: Adapter,
    engine: FakeEngine,
    make_user: Callable[..., User],
    other_tenant: Tenant,
    client: TestClient,
    body: dict[str, Any],
    status: int,
    field: str,
) -> None:
    make_user("theirs", other_tenant)
    answer = ask(**body)
    assert answer.status_code == status
    problem = answer.json()
    assert problem["field"] == field
    assert problem["remedy"]
    assert problem["request_id"]
    assert engine.specs == []
    assert client.get("/v1/users/ada/rewrites").json()["items"] == []


def test_half_an_emoji_is_refused(client: TestClient, voice: Adapter) -> None:
    body = r'{"user_id": "ada", "text": "\ud83c"}'
    answer = client.post("/v1/rewrite", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["field"]) == (422, "text")


def test_the_limit_is_told_with_a_text_that_is_too_long(ask: Ask, voice: Adapter, settings: Settings) -> None:
    problem = ask(text="a" * (settings.max_text_chars + 1)).json()
    assert str(settings.max_text_chars) in problem["detail"]
    assert ask(text="a" * settings.max_text_chars).status_code == 200


def test_an_unknown_version_lists_those_there_are(ask: Ask, ada: User, voice: Adapter) -> None:
    assert "1" in ask(adapter=9).json()["remedy"]


def test_a_prompt_longer_than_the_context_is_the_texts_fault(
    ask: Ask, voice: Adapter, engine: FakeEngine, client: TestClient
) -> None:
    engine.context_tokens = 5
    answer = ask(text="one two three four five six")
    assert answer.status_code == 422
    assert answer.json()["field"] == "text"
    assert "6 tokens" in answer.json()["detail"]
    assert "Shorten the text" in answer.json()["remedy"]
    assert client.get("/v1/users/ada/rewrites").json()["items"] == []


@pytest.mark.parametrize(
    ("code", "kind", "field"),
    [("too-many", "too-many-versions", "n"), ("too-much-room", "max-tokens-too-large", "max_tokens")],
)
def test_what_asks_for_too_much_is_the_field_that_is_named(
    ask: Ask, voice: Adapter, engine: FakeEngine, code: str, kind: str, field: str
) -> None:
    engine.fail_with = code
    answer = ask()
    assert answer.status_code == 422
    body = answer.json()
    assert (body["type"], body["field"]) == (f"urn:idiolect:problem:{kind}", field)
    assert f"smaller {field}" in body["remedy"]


@pytest.mark.parametrize(
    ("code", "status", "kind", "retries"),
    [
        ("unavailable", 503, "engine-unavailable", True),
        ("busy", 503, "engine-busy", True),
        ("timeout", 504, "engine-timeout", False),
        ("unknown-adapter", 503, "adapter-unusable", False),
        ("invalid-adapter", 503, "adapter-unusable", False),
        ("invalid-request", 500, "engine-mismatch", False),
    ],
)
def test_a_failing_engine_has_a_name_and_leaves_nothing_behind(
    ask: Ask,
    voice: Adapter,
    engine: FakeEngine,
    client: TestClient,
    rung: Callable[[str], list[dict[str, Any]]],
    code: str,
    status: int,
    kind: str,
    retries: bool,
) -> None:
    engine.fail_with = code
    answer = ask()
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:idiolect:problem:{kind}"
    assert answer.json()["remedy"]
    assert ("Retry-After" in answer.headers) is retries
    assert client.get("/v1/users/ada/rewrites").json()["items"] == []
    assert rung("rewrites.score") == []


def test_a_list_is_read_newest_first_in_pages(ask: Ask, voice: Adapter, client: TestClient) -> None:
    ids = [ask(seed=seed).json()["rewrite_id"] for seed in range(5)]
    read, url = [], "/v1/users/ada/rewrites?limit=2"
    for _ in range(3):
        page = client.get(url).json()
        read += [item["rewrite_id"] for item in page["items"]]
        url = f"/v1/users/ada/rewrites?limit=2&cursor={page['next']}"
    assert read == ids[::-1]
    assert page["next"] is None


def test_another_tenants_rewrites_are_unknown(
    ask: Ask, voice: Adapter, client: TestClient, other_tenant: Tenant, make_key: Callable[..., str]
) -> None:
    rewrite_id = ask().json()["rewrite_id"]
    client.headers["Authorization"] = f"Bearer {make_key(other_tenant)}"
    assert client.get(f"/v1/rewrites/{rewrite_id}").status_code == 404
    assert client.get("/v1/users/ada/rewrites").status_code == 404
    assert ask().status_code == 404


def test_reading_needs_no_right_to_write(
    ask: Ask, voice: Adapter, client: TestClient, tenant: Tenant, make_key: Callable[..., str]
) -> None:
    rewrite_id = ask().json()["rewrite_id"]
    client.headers["Authorization"] = f"Bearer {make_key(tenant, scopes=['read'])}"
    assert client.get(f"/v1/rewrites/{rewrite_id}").status_code == 200
    assert ask().status_code == 403
