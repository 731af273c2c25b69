"""What tiny models of other kinds need in their configuration beside what all of them have."""

from typing import Any

CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": {},
    "gpt_neox": {},
    "opt": {"ffn_dim": 96, "word_embed_proj_dim": 64},
    "phi": {},
    # Distances in place of positions.
    "bloom": {},
    "falcon": {"alibi": True},
    # A window shorter than the texts; capped scores and logits.
    "mistral": {"sliding_window": 4},
    "gemma2": {"head_dim": 16, "sliding_window": 4},
    "gemma3_text": {"head_dim": 16, "sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]},
    # Experts, which some of the tokens see.
    "mixtral": {},
}


def general_config(kind: str) -> dict[str, Any]:
    """Arguments for build_tiny_base()."""
    return {"kind": kind, **CONFIGS[kind]}
