"""Text to tokens and back, the same way for training and serving. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tokenizers import Tokenizer

from app.inference.architecture import UnsupportedModel


@dataclass(frozen=True)
class Tokens:
    tokenizer: Tokenizer

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the folder's tokenizer.json. Raises FileNotFoundError, UnsupportedModel if it cannot be read."""
        path = folder / "tokenizer.json"
        if not path.exists():
            raise FileNotFoundError(f"{folder} holds no tokenizer.json")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise UnsupportedModel(f"tokenizer.json in {folder.name} cannot be read: {error}") from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        # What people write is text: a literal "<|im_end|>" in it must not end anything.
        tokenizer.encode_special_tokens = True
        return cls(tokenizer)

    def prompt(self, text: str) -> list[int]:
        """With the begin token, where this tokenizer puts one before texts."""
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids

    def completion(self, text: str) -> list[int]:
        """As it continues a prompt: no special tokens."""
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def text(self, ids: Sequence[int]) -> str:
        """Special tokens are left out; bytes that are no character become the replacement character."""
        decoded: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return decoded
