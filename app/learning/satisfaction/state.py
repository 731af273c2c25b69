"""A scorer's weights as safetensors bytes: small enough for a row, and nothing is unpickled."""

from safetensors import SafetensorError
from safetensors.torch import load, save

from app.learning.satisfaction.arf import ArfScorer


class UnusableState(ValueError):
    """The bytes are no scorer for these features: start from a fresh one and let it hear its traces again."""


def packed(scorer: ArfScorer) -> bytes:
    content: bytes = save({name: value.detach().contiguous() for name, value in scorer.state_dict().items()})
    return content


def unpacked(content: bytes, feature_count: int) -> ArfScorer:
    """Raises UnusableState."""
    try:
        return ArfScorer(feature_count, load(content))
    except (SafetensorError, RuntimeError) as error:
        raise UnusableState(f"the stored scorer cannot be used: {error}") from error
