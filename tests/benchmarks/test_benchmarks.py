"""The benchmarks themselves, in small, on a tiny random base: they run, and their reports have what is promised.

How fast anything is, no test says.
"""

from pathlib import Path

import pytest
import torch

from app.config import get_settings
from app.inference.architecture import Architecture
from app.inference.card import read_card
from benchmarks import choices, profiling, serving, start, training, web
from benchmarks.common.machine import device
from benchmarks.common.workload import Workload, random_adapter
from benchmarks.sections import registration, residency
from benchmarks.sections.field import OURS, PEERS_BY_DEVICE, PEFT, Field
from tests.inference.voices import stored

pytestmark = pytest.mark.slow

SMALL = serving.Plan(
    users=(1, 16),
    tokens=6,
    rounds=2,
    adapters=20,
    residency=residency.Scale(cold_files=10, peft_loads=2, first_tokens=2, clients=4, requests=8, tokens=2, rounds=1),
    registration=registration.Scale(few=2, many=20, files=5, requests=3, tokens=2, rounds=1),
)
NEEDS_PEERS = {"vs_best_cpu_peer", "base16_vs_vllm_cpu", "one_user_vs_llama_cpp"}
PROMISED = {
    "mixed_decode_share_of_bound",
    "mixed_decode_share_of_bound_rank_8",
    "mixed_prefill_ratio",
    "vs_peft_adapter_names",
    "cold_load_p50_ms",
    "cold_load_p99_ms",
    "cold_minus_warm_ttft_ms",
    "p50_10000_over_10",
}


def test_serving(tiny_base: Path, tmp_path: Path) -> None:
    report = serving.run(SMALL, tiny_base, tmp_path, threads=1, peers=[PEFT])
    content = report.content()
    assert report.failures == {}
    assert all(content[key] > 0 for key in PROMISED - {"cold_minus_warm_ttft_ms"})
    assert isinstance(content["cold_minus_warm_ttft_ms"], float)
    assert all(content[key] is None for key in NEEDS_PEERS)
    rows = {(row["users"], row["who"]): row for row in content["tables"]["tokens per second"]}
    assert {who for users, who in rows if users == 16} == {
        "ours, base",
        "ours, adapters",
        "ours at rank 8, adapters",
        "PEFT, adapters",
        "PEFT, switch per user",
    }
    ours = rows[16, "ours, adapters"]
    for cell in ("decode", "of_our_base", "share_of_limit", "prefill_share_of_limit"):
        assert ours[cell]["low"] <= ours[cell]["median"] <= ours[cell]["high"]
        assert ours[cell]["count"] == 2
    assert content["vs_peft_adapter_names"] == content["spread"]["vs_peft_adapter_names"]["median"]
    assert all(row["share_of_limit"] > 0 for row in content["tables"]["cold adapters"][:3])
    ranks = {name: facts["slot_rank"] for name, facts in content["details"]["contestants"].items() if "ours" in name}
    assert ranks == {"ours": content["details"]["served_rank"], "ours at rank 8": 8}
    assert content["slot_bytes_over_adapter"] < content["served_slot_bytes_over_adapter"]
    if content["details"]["dtype"] == "float32":
        assert rows[16, "PEFT, adapters"]["same_text"] == "8/8"
    assert [row["registered"] for row in content["tables"]["registered versions"]] == ["2", "20", "20, of whom 2 ask"]


def test_everybody_computes_where_the_settings_say(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as can be shown without a GPU: who takes part there, and that each is told."""
    monkeypatch.setenv("IDIOLECT_DEVICE", "cuda")
    monkeypatch.setattr("benchmarks.sections.field.python_of", lambda name, folder: Path("/") / name / "bin/python")
    get_settings.cache_clear()
    try:
        workload = Workload.make(tiny_base, tmp_path, adapters=2)
        field = Field(workload, venvs=tmp_path, threads=1, crowd=2, dtype="bfloat16")
        taking_part = {name: field.contestant(name) for name in (OURS, *PEERS_BY_DEVICE[device()])}
    finally:
        get_settings.cache_clear()
    assert list(taking_part) == ["ours", "PEFT", "vllm"]
    assert {each.setup["device"] for each in taking_part.values()} == {"cuda"}
    assert taking_part["vllm"].command == ["/vllm/bin/python", "-m", "benchmarks.peers.vllm_rows"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_serving_on_a_gpu(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDIOLECT_DEVICE", "cuda")
    get_settings.cache_clear()
    report = serving.run(SMALL, tiny_base, tmp_path, threads=1, peers=[PEFT])
    assert report.failures == {}
    assert report.machine["accelerator"]
    assert report.details["dtype"] == "bfloat16"


def test_training(tiny_base: Path, tmp_path: Path) -> None:
    plan = training.Plan(prompts=2, group=2, tokens=4, rounds=2)
    report = training.run(plan, tiny_base, tmp_path, threads=1, with_trl=False)
    (row,) = report.tables["a step"]
    assert report.failures == {}
    assert row["completion_tokens"] == 2 * 2 * 4
    assert row["share_of_limit"].median > 0
    assert report.keys == {"step_vs_trl": None}


def test_web(tmp_path: Path) -> None:
    report = web.run(web.Plan(people=3, connections=(1, 2), seconds=0.2, rounds=1), tmp_path)
    assert [(row["connections"], row["who"]) for row in report.tables["requests"]] == [
        (1, web.OURS),
        (1, web.BARE),
        (2, web.OURS),
        (2, web.BARE),
    ]
    assert report.keys["web_over_bare"] is not None
    assert not (tmp_path / "web_ours").exists()


def test_profiling(tiny_base: Path, tmp_path: Path) -> None:
    content = profiling.run(profiling.QUICK, tiny_base, tmp_path, threads=1).content()
    step = content["tables"]["a step of 2 rows, an adapter each"]
    assert step[0]["operator"] == "all, unprofiled"
    assert step[0]["ms"]["count"] == profiling.QUICK.tokens
    assert sum(row["share"] for row in step[1:]) == pytest.approx(1.0, abs=0.01)
    assert any("embedding_bag" in row["operator"] for row in step)
    pieces = {row["piece"]: row["p50_ms"] for row in content["tables"]["a cold load"]}
    assert pieces.keys() == {"whole", "read", "SHA-256", "check", "fill a slot", "read, SHA-256 beside check"}
    assert all(value > 0 for value in pieces.values())


def test_choices(tiny_base: Path, tmp_path: Path) -> None:
    architecture, digest = Architecture.load(tiny_base), read_card(tiny_base).digest
    trained = tmp_path / f"{stored(tmp_path, random_adapter(architecture, digest, 7))}.safetensors"
    plan = choices.Plan(people=2, group=2, tokens=24, rounds=1, texts=2, mixes=10)
    content = choices.run(plan, tiny_base, threads=1, adapters=[trained]).content()
    rollouts = {row["how"]: row for row in content["tables"]["rollouts"]}
    assert [row["rows"] for row in rollouts.values()] == [1, 2, 2, 4]
    assert rollouts["one text at a time"]["over_one_at_a_time"]["median"] == 1
    assert content["rollouts_over_one_at_a_time"] == rollouts["everybody's groups"]["over_one_at_a_time"]["median"]
    alone = content["tables"]["one person, looking up and helped"]
    assert [row["whose"] for row in alone] == ["the base"] * 3 + [trained.stem[:12]] * 3
    served, plain, unhelped = alone[:3]
    assert served["tokens_per_step"] >= 1
    assert 0 <= served["kept_of_looked_up"] <= 1
    assert (plain["tokens_per_step"], plain["kept_of_looked_up"]) == (1, None)
    assert unhelped["how"] == "names not helped"
    assert {(row["people"], row["path"]) for row in content["tables"]["paths"]} == {
        (people, path) for people in (1, 2) for path in ("fast", "general")
    }
    mixes = {row["dtype"]: row for row in content["tables"]["mixes"]}
    assert mixes["float32"]["texts_that_part"] == 0
    assert mixes["float32"]["largest_difference_of_a_logit"] < mixes["bfloat16"]["largest_difference_of_a_logit"]


def test_start(tiny_base: Path, tmp_path: Path) -> None:
    report = start.run(start.QUICK, tmp_path, tiny_base)
    assert [row["who"] for row in report.tables["start to ready"]] == [
        "engine",
        "web",
        "web: imports",
        "engine: imports",
    ]
    assert all(report.keys[name] > 0 for name in ("web_start_s", "engine_start_s"))
    assert not (tmp_path / "start").exists()
