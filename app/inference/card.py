"""What a base is, beside its files: the card every process reads before (or without) loading the model. No torch."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from app.inference.architecture import load_shape
from app.learning.recipes import SMALL_BASE_PARAMETERS

CARD = "base.json"
SMALL_PASSAGE_WORDS, PASSAGE_WORDS = 40, 220
"""Words a base rewrites well at one go; 220 are about 300 tokens."""
VOLATILE = ("transformers_version", "_name_or_path", "_model_name_or_path", "architectures", "dtype", "torch_dtype")
"""Entries of config.json that say who wrote it, not what the model computes."""


@dataclass(frozen=True)
class BaseCard:
    name: str
    digest: str
    parameters: int
    passage_words: int
    context_tokens: int
    source: str
    """Where the files came from, for people."""
    warmup: str | None = None
    """Sha256 of the warm-up that is merged into it: it rewrites without an instruction."""


def read_card(folder: Path) -> BaseCard:
    """Raises FileNotFoundError if the folder was not prepared by ensure_base()."""
    return BaseCard(**json.loads((folder / CARD).read_text(encoding="utf-8")))


def write_card(folder: Path, *, name: str, source: str, warmup: str | None = None) -> BaseCard:
    """Look at a folder of a model and write its card into it. Raises UnsupportedModel, FileNotFoundError."""
    shape = load_shape(folder)
    is_small = shape.parameters < SMALL_BASE_PARAMETERS
    card = BaseCard(
        name=name,
        digest=base_digest(folder),
        parameters=shape.parameters,
        passage_words=SMALL_PASSAGE_WORDS if is_small else PASSAGE_WORDS,
        context_tokens=shape.context_tokens,
        source=source,
        warmup=warmup,
    )
    (folder / CARD).write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    return card


def base_digest(folder: Path) -> str:
    """Sha256, in hex, of what the model computes: its configuration, its weights, its vocabulary.

    Configuration and vocabulary are put into one form first, so that the same model written by another version of
    transformers stays the same base. Raises FileNotFoundError.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    digest = hashlib.sha256()
    for part in ({key: value for key, value in config.items() if key not in VOLATILE}, vocabulary):
        digest.update(json.dumps(part, sort_keys=True).encode() + b"\0")
    for path in weight_files(folder):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, by name. Raises FileNotFoundError if there is none."""
    if files := sorted(folder.glob("model*.safetensors")):
        return files
    raise FileNotFoundError(f"{folder} holds no model*.safetensors")
