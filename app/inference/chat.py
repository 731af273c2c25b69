"""An instructed model as it comes, asked in its own chat format: for the baselines that only prompt."""

from collections.abc import Sequence
from pathlib import Path

from app.inference.generate import generate
from app.inference.language_model import LanguageModel
from app.inference.tokens import Tokens
from app.learning.prompting import Message
from app.learning.seeding import derive


class Chat:
    """A base without any adapter. Where it has no chat template, messages are paragraphs."""

    def __init__(self, model: LanguageModel, tokens: Tokens, folder: Path) -> None:
        from transformers import AutoTokenizer

        self.model, self.tokens = model, tokens
        self._template = AutoTokenizer.from_pretrained(folder) if _has_template(folder) else None

    def answer(
        self, asked: Sequence[Sequence[Message]], *, max_tokens: int, temperature: float, seed: int
    ) -> tuple[list[str], list[bool]]:
        """One answer to each list of messages, and whether it ended by itself."""
        written = generate(
            self.model,
            [self._ids(messages) for messages in asked],
            seeds=[derive(seed, "answer", row) for row in range(len(asked))],
            max_tokens=max_tokens,
            temperature=temperature,
        )
        return [self.tokens.text(ids).strip() for ids in written.ids], written.is_finished

    def _ids(self, messages: Sequence[Message]) -> list[int]:
        if self._template is None:
            return self.tokens.prompt("\n\n".join(text for _, text in messages) + "\n\n")
        ids = self._template.apply_chat_template(
            [{"role": role, "content": text} for role, text in messages],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=False,
        )
        return [int(number) for number in ids]


def _has_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").exists():
        return True
    config = folder / "tokenizer_config.json"
    return config.exists() and "chat_template" in config.read_text(encoding="utf-8")
