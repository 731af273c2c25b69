"""The policies of a training: the bare base, the voice that learns, and the version that speaks for the person now."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.config import Settings
from app.inference import adapter_file
from app.inference.adapter_file import InvalidAdapter
from app.inference.base import BaseCard
from app.inference.language_model import LanguageModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from app.jobs.context import JobContext, TrainingFailure
from app.models import Adapter
from app.storage import LocalStorage

ALPHA_PER_RANK = 2


@dataclass(frozen=True)
class Policies:
    """All of one base, which is in memory once; between the passes of their sampling the job gives way."""

    settings: Settings
    context: JobContext
    card: BaseCard
    model: LanguageModel
    tokens: Tokens

    def fresh(self, seed: int, voices: Sequence[str] = ()) -> LoraPolicy:
        """An adapter that changes nothing yet, with a branch for each of these voices: so far the bare base."""
        rank = self.settings.adapter_rank
        return LoraPolicy(
            self.model,
            self.tokens,
            rank=rank,
            alpha=ALPHA_PER_RANK * rank,
            seed=seed,
            voices=voices,
            voice_rank=self.settings.adapter_voice_rank,
            between=self.context.give_way,
        )

    def of(self, version: Adapter) -> LoraPolicy:
        """The version in use, with its voices. Raises TrainingFailure if its file cannot be read."""
        try:
            content = LocalStorage(self.settings).path(version.digest).read_bytes()
            adapter = adapter_file.unpack(content, self.model.architecture, base_digest=self.card.digest)
        except (InvalidAdapter, OSError) as error:
            raise TrainingFailure(
                f"The version in use ({version.version}) cannot be read, so nothing can be compared with it: {error}",
                "Roll back to an earlier version, then train again.",
            ) from error
        return LoraPolicy.from_adapter(self.model, self.tokens, adapter, between=self.context.give_way)
