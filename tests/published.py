"""Models in the formats in which others publish them, tiny and random."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import nn
from transformers import AutoModel, DebertaV2Config, PreTrainedTokenizerFast

WORDS = "<s> </s> <pad> <unk> the cat sat on mat .".split()
SIZES = {
    "vocab_size": len(WORDS), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 24, "max_position_embeddings": 520, "pad_token_id": 2, "initializer_range": 0.5,
}  # fmt: skip


def word_tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", model_max_length=512)


def build_desklib(folder: Path) -> Path:
    """DeBERTa under `model.`, one logit by `classifier`: what the authors' own class saves."""
    torch.manual_seed(0)
    config = DebertaV2Config(**SIZES, relative_attention=True, pos_att_type=["p2c", "c2p"], position_buckets=8)
    config.architectures = ["DesklibAIDetectionModel"]
    config.save_pretrained(folder)
    body, classifier = AutoModel.from_config(config), nn.Linear(16, 1)
    weights = {f"model.{name}": tensor for name, tensor in body.state_dict().items()}
    weights |= {f"classifier.{name}": tensor for name, tensor in classifier.state_dict().items()}
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / "model.safetensors")
    word_tokenizer().save_pretrained(folder)
    return folder
