from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertModel

from app.inference.minilm import LAYERS, WIDTH, MiniLm

TEXTS = ["the cat sat", "the cat sat on the mat", "mat"]
WORDS = "[PAD] [UNK] the cat sat on mat".split()


@pytest.fixture(scope="module")
def bert() -> BertModel:
    """Random weights in the shape of the real one, with seven words."""
    torch.manual_seed(0)
    sizes = {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": 12, "intermediate_size": 1536}
    return BertModel(BertConfig(vocab_size=len(WORDS), **sizes), add_pooling_layer=False).eval()


@pytest.fixture(scope="module")
def folder(bert: BertModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("minilm")
    bert.save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@torch.no_grad()
def test_every_layer_is_that_of_the_library(bert: BertModel, folder: Path) -> None:
    ours = MiniLm.load(folder)
    states, mask_N_T = ours.states(ours.tokens(TEXTS, 16))
    ids_N_T = torch.tensor([[2, 3, 4, 0, 0, 0], [2, 3, 4, 5, 2, 6], [6, 0, 0, 0, 0, 0]])
    theirs = bert(input_ids=ids_N_T, attention_mask=mask_N_T.long(), output_hidden_states=True).hidden_states
    assert mask_N_T.sum(1).tolist() == [3, 6, 1]
    for own, other in zip(states, theirs, strict=True):
        assert torch.allclose(own[mask_N_T], other[mask_N_T], atol=1e-5)


def test_a_text_is_cut_at_its_longest(folder: Path) -> None:
    assert MiniLm.load(folder).tokens(["the cat sat on the mat"], 2) == [[2, 3]]


@torch.no_grad()
def test_a_merged_adapter_is_the_seam_at_work_and_leaves_the_original_alone(folder: Path) -> None:
    plain = MiniLm.load(folder)
    place = "5.output.dense"
    adapter = {f"a.{place}": torch.randn(2, 1536), f"b.{place}": torch.randn(WIDTH, 2) / 10}
    merged = plain.merged(adapter)
    ids = plain.tokens(TEXTS, 16)
    (*lower, last), mask_N_T = plain.states(ids)
    (*same, changed), _ = merged.states(ids)
    assert all(torch.equal(a, b) for a, b in zip(lower, same, strict=True))
    assert not torch.allclose(last, changed, atol=1e-3)

    def seam(layer: int, name: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        is_it = f"{layer}.{name}" == place
        return y + x @ adapter[f"a.{place}"].T @ adapter[f"b.{place}"].T if is_it else y

    assert torch.allclose(plain.layer(5, lower[-1], mask_N_T, seam), changed, atol=1e-4)
