"""A Llama small enough for tests: random weights, but every file and shape of a real base folder."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM

from app.inference.card import write_card

SENTENCES = [
    "Rewritten: I went to the store yesterday and bought some bread because my friend asked me to do it.",
    "The meeting was moved to Thursday, so please send the report before noon.",
    "Dear Sir, I should be most grateful if you would reply at your earliest convenience.",
    "lol ok i'll b there in 5, save me a seat pls!!",
    "What a wonderful garden! 🌻🌱 The roses are blooming and the bees are so happy.",
]
END = "<|end|>"


def build_tiny_base(
    folder: Path,
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    name: str = "tiny",
    kind: str = "llama",
    **config: Any,
) -> Path:
    """Write config.json, safetensors, tokenizer.json and base.json into `folder` (made if missing) and return it.

    `kind` is a model type of transformers; `config` overrides entries of its configuration. The same arguments
    always give the same digest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    sizes = {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.token_to_id(END),
        # Larger than usual: with weights near zero every adapter and every prompt would look alike.
        "initializer_range": 0.15,
    }
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **(sizes | config)))
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    # Norms start at one and biases at zero, which would hide mistakes with either.
                    parameter.add_(0.1 * torch.randn_like(parameter))
    finally:
        torch.random.set_rng_state(state)
    model.to(dtype).save_pretrained(folder)
    write_card(folder, name=name, source="random weights")
    return folder


def _tokenizer() -> Tokenizer:
    """Byte-level, so that every text has tokens and comes back unchanged."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[AddedToken(END, special=True)],
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer
