"""What the general path cannot compute is refused when it is loaded, however it looks by its configuration."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from app.inference.architecture import UnsupportedModel
from app.inference.general_check import check
from app.inference.general_model import GeneralModel
from app.inference.language_model import load_model
from tests.inference.kinds import general_config
from tests.tiny import build_tiny_base


def refusal(model: GeneralModel, folder: Path) -> str:
    with pytest.raises(UnsupportedModel, match="IDIOLECT_BASE_MODEL may name") as caught:
        check(model, folder)
    return str(caught.value)


@pytest.fixture
def model(tmp_path: Path) -> GeneralModel:
    return GeneralModel.load(build_tiny_base(tmp_path, **general_config("gpt_neox")), dtype=torch.float32)


def test_a_model_that_looks_ahead_is_refused(tmp_path: Path) -> None:
    base = build_tiny_base(tmp_path, kind="bert")
    with pytest.raises(UnsupportedModel, match="does not write with its cache what it reads"):
        load_model(base, dtype=torch.float32)


def test_a_model_that_forgets_its_positions_is_refused(model: GeneralModel, tmp_path: Path) -> None:
    model._takes = model._takes - {"position_ids"}
    assert "does not write with its cache what it reads" in refusal(model, tmp_path)


def test_a_head_that_is_more_than_it_seems_is_refused(model: GeneralModel, tmp_path: Path) -> None:
    quiet = model.net.forward

    def louder(**given: Any) -> Any:
        output = quiet(**given)
        output.logits = 2 * output.logits
        return output

    model.net.forward = louder
    assert "a head that cannot be told from its decoder" in refusal(model, tmp_path)


def test_a_model_whose_numbers_are_not_finite_is_refused(model: GeneralModel, tmp_path: Path) -> None:
    model.net.get_output_embeddings().weight.fill_(torch.nan)
    assert "gpt_neox: nan" in refusal(model, tmp_path)


def test_whatever_a_model_trips_over_is_a_refusal(model: GeneralModel, tmp_path: Path) -> None:
    def broken(*_: Any) -> Tensor:
        raise KeyError("cache")

    model.net.get_decoder().register_forward_pre_hook(broken)
    assert "cannot be run here (gpt_neox: KeyError)" in refusal(model, tmp_path)


def test_what_rounds_more_is_given_more(tmp_path: Path) -> None:
    base = build_tiny_base(tmp_path, **general_config("gpt2"))
    assert load_model(base, dtype=torch.bfloat16).dtype == torch.bfloat16
