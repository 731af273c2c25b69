"""The policies of a training: the bare base, the voice that learns, and the version that speaks for the person now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.config import Settings
from app.inference import adapter_file
from app.inference.adapter_file import InvalidAdapter
from app.inference.base import BaseCard
from app.inference.language_model import LanguageModel
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from app.jobs.context import JobContext, TrainingFailure
from app.jobs.patience import patiently
from app.learning.configs import LoraConfig
from app.learning.recipes import Recipe, most_rank
from app.models import Adapter
from app.storage import open_storage

ALPHA_PER_RANK = 2


class Shape(NamedTuple):
    """Of an adapter, or of the trunk of one with voices."""

    rank: int
    alpha: float


def shaped(context: JobContext, recipe: Recipe, settings: Settings, base_parameters: int) -> tuple[Recipe, Shape]:
    """The recipe with the adapter that it can have: of the server's rank at most, as the engine has room for no more.

    Whoever asks for more in a request is told so at once (see service.py); a recipe that does is cut down to it here.
    """
    most = most_rank(settings.adapter_rank, base_parameters)
    asked = recipe.lora.rank or most
    rank = min(asked, most)
    shape = Shape(rank, recipe.lora.alpha or float(ALPHA_PER_RANK * rank))
    if asked > most:
        context.note(
            f"The recipe asks for an adapter of rank {asked}; this server has room for {most}, so that is its rank. "
            f"Whoever runs the server can set IDIOLECT_ADAPTER_RANK={asked}."
        )
    return replace(recipe, lora=LoraConfig(*shape, branches=recipe.lora.branches)), shape


@dataclass(frozen=True)
class Policies:
    """All of one base, which is in memory once; between the passes of their sampling the job gives way."""

    settings: Settings
    context: JobContext
    card: BaseCard
    model: LanguageModel
    tokens: Tokens
    shape: Shape

    def fresh(self, seed: int, voices: Sequence[str] = ()) -> LoraPolicy:
        """An adapter that changes nothing yet, with a branch for each of these voices: so far the bare base."""
        return LoraPolicy(
            self.model,
            self.tokens,
            rank=self.shape.rank,
            alpha=self.shape.alpha,
            seed=seed,
            voices=voices,
            voice_rank=self.settings.adapter_voice_rank,
            between=self.context.give_way,
        )

    def of(self, version: Adapter) -> LoraPolicy:
        """The version in use, with its voices.

        Raises TrainingFailure if its file cannot be read, StorageUnavailable if the storage stays away for too long,
        JobStopped if the training is to end meanwhile.
        """
        storage = open_storage(self.settings)
        try:
            content = patiently(self.context, "read the version in use", lambda: storage.read(version.digest))
            adapter = adapter_file.unpack(content, self.model.architecture, base_digest=self.card.digest)
        except (InvalidAdapter, OSError) as error:
            raise TrainingFailure(
                f"The version in use ({version.version}) cannot be read, so nothing can be compared with it: {error}",
                "Roll back to an earlier version, then train again.",
            ) from error
        return LoraPolicy.from_adapter(self.model, self.tokens, adapter, between=self.context.give_way)
