from pathlib import Path

import pytest
import torch

from app.inference.architecture import UnsupportedModel
from app.inference.general_model import GeneralModel
from app.inference.language_model import LanguageModel, load_model
from app.inference.model import LlamaModel
from tests.inference.test_model_architecture import changed

IDS = torch.randint(1, 300, (2, 24), generator=torch.Generator().manual_seed(1))


def test_the_base_decides_which_way_it_is_computed(tiny_base: Path, general_base: Path) -> None:
    routes = {load_model(base, dtype=torch.float32).architecture.route for base in (tiny_base, general_base)}
    assert routes == {"fast", "general"}
    with pytest.raises(FileNotFoundError):
        load_model(tiny_base / "nowhere")


def test_both_ways_compute_the_same(tiny_base: Path, tiny_model: LlamaModel) -> None:
    ways: list[LanguageModel] = [tiny_model, GeneralModel.load(tiny_base, dtype=torch.float32)]
    rows, prompts = [[5, 6, 7, 8], [5, 6, 9], list(range(40, 60))], [2, 1, 9]
    with torch.no_grad():
        hidden, logits, logprobs, states = zip(
            *(
                (
                    way.hidden(IDS),
                    way.logits(way.hidden(IDS)),
                    way.logprobs(rows, prompts, temperature=0.5),
                    way.states(rows, prompts),
                )
                for way in ways
            ),
            strict=True,
        )
    for fast, general in (hidden, logits, logprobs, states):
        assert torch.allclose(fast, general, atol=1e-4)
    assert ways[0].architecture.stop_ids == ways[1].architecture.stop_ids
    assert ways[0].architecture.parameters == ways[1].architecture.parameters


def test_a_slight_change_of_a_known_family_goes_the_general_way(tiny_base: Path, tmp_path: Path) -> None:
    for path in tiny_base.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    model = load_model(changed(tiny_base, tmp_path, hidden_act="gelu"), dtype=torch.float32)
    assert isinstance(model, GeneralModel)
    changed(tiny_base, tmp_path, model_type="mamba")
    with pytest.raises(UnsupportedModel, match="IDIOLECT_BASE_MODEL"):
        load_model(tmp_path)
