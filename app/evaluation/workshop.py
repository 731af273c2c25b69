"""The models of an evaluation, loaded when first needed and shared by its arms."""

from functools import cached_property
from pathlib import Path

import torch

from app.config import PACKAGED, Settings
from app.evaluation.judging import Judge, Proxy
from app.inference import adapter_file
from app.inference.base import ensure_base, read_card, unmerged_base
from app.inference.chat import Chat
from app.inference.encoders import meaning_encoder
from app.inference.language_model import LanguageModel, load_model
from app.inference.likelihood import base_likelihood
from app.inference.policy import LoraPolicy
from app.inference.tokens import Tokens
from app.jobs.policies import ALPHA_PER_RANK
from app.learning.neutralise import neutralise
from app.learning.recipes import most_rank
from app.learning.rewards.human import Detector
from app.learning.types import LanguageModelScore


class Workshop:
    def __init__(self, settings: Settings, *, judge: Judge | None = None, p_human: Detector | None = None) -> None:
        """`judge`: in place of the embedded proxy. `p_human`: the evaluating detector, where there is one."""
        self.settings = settings
        self.base = ensure_base(settings)
        self.card = read_card(self.base)
        self.p_human = p_human
        self._judge = judge
        torch.set_num_threads(settings.threads or torch.get_num_threads())

    @cached_property
    def model(self) -> LanguageModel:
        return load_model(self.base, device=self.settings.device)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens.load(self.base)

    @cached_property
    def instructed(self) -> Path:
        """The base before its warm-up, which still follows instructions; any other base as it is."""
        return unmerged_base(self.settings) if self.settings.base_model == PACKAGED else self.base

    @cached_property
    def chat(self) -> Chat:
        model = load_model(self.instructed, device=self.settings.device)
        return Chat(model, Tokens.load(self.instructed), self.instructed)

    @cached_property
    def likelihood(self) -> LanguageModelScore:
        """Of the base as it came, without any warm-up: it judges fluency and was trained by nobody here."""
        return base_likelihood(self.chat.model, self.chat.tokens)

    @cached_property
    def judge(self) -> Judge:
        return self._judge or Proxy(self.chat.model, self.chat.tokens, meaning_encoder(), neutralise)

    def policy(self, adapter: Path | None = None) -> LoraPolicy:
        """A trained voice, or the bare base."""
        if adapter is None:
            rank = most_rank(self.settings.adapter_rank, self.card.parameters)
            return LoraPolicy(self.model, self.tokens, rank=rank, alpha=ALPHA_PER_RANK * rank)
        content = adapter_file.unpack(adapter.read_bytes(), self.model.architecture, base_digest=self.card.digest)
        return LoraPolicy.from_adapter(self.model, self.tokens, content)

    def roles(self) -> list[str]:
        """Who rewards and who judges, for the report."""
        return [
            "Rewards: the stylometric style encoder and the standardised habits it is made from, half and half; "
            "sentence-transformers cosines up to a target, spaCy's entities, sentences that left a trace, length, "
            "words added and endings. The article's recipe, calibrated or not, is paid for style, entities and length.",
            "Judges: style by character n-grams (never a reward), calibrated per voice (0 plain text, 1 as typical as "
            "the person's own); fluency by the base as it came, without warm-up. Meaning and entities are measured by "
            "the same encoder and finder that reward them up to their targets, as there is but one of each here: read "
            "them as constraints that were kept, not as independent proof.",
            f"Pairwise wins: {self.judge.about}",
        ]
