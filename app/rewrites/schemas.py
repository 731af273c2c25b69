"""What callers say and hear about rewrites."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field

from app.inference.types import DEFAULT_TEMPERATURE
from app.models import Rewrite
from app.schemas import Body, ExternalId, Prose, Text

MAX_SEED = 2**31 - 1
MAX_N = 8


def _as_choice(value: object) -> object:
    """One sentence for all that is wrong, where a union would give one for each of its members."""
    if value in ("active", "base") or (type(value) is int and 1 <= value <= MAX_SEED):
        return value
    raise ValueError('must be "active", "base" or the number of a version')


AdapterChoice = Annotated[Literal["active", "base"] | int, BeforeValidator(_as_choice)]


class RewriteRequest(Body):
    user_id: ExternalId
    text: Prose
    n: int = Field(default=1, ge=1, le=MAX_N, description="how many versions to write")
    temperature: float = Field(default=DEFAULT_TEMPERATURE, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1, description="draw from the likeliest words of this total probability")
    stop: list[Annotated[Text, Field(min_length=1, max_length=40)]] = Field(
        default=[], max_length=4, description="the text ends before the first of these that is written"
    )
    logprobs: bool = Field(default=False, description="answer every token's log-probability too")
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="limit per passage of the text: about twice its length if left out, about four times at most",
    )
    seed: int | None = Field(
        default=None, ge=0, le=MAX_SEED, description="the same seed writes the same; random if left out"
    )
    adapter: AdapterChoice = Field(default="active", description='"active", "base" or the number of a version')
    context: Text | None = Field(
        default=None,
        min_length=1,
        max_length=60,
        description="which of the person's voices; if left out, one is drawn by the seed, as often as they write so",
    )
    timeout_s: float | None = Field(
        default=None, gt=0, le=3600, description="seconds after which you no longer want it; the server has its own"
    )
    stream: bool = Field(default=False, description="hear the text as server-sent events while it is written")


class AdapterRef(BaseModel):
    version: int
    digest: str


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int = Field(description="of all that was written, the candidates that were not taken too")


class Token(BaseModel):
    token: str
    logprob: float = Field(description="natural, at the request's temperature (1 where that is 0)")


class Scores(BaseModel):
    style: float | None = Field(description="-1..1: 0 is plain text, 1 the person's own typical sentence")
    meaning: float = Field(description="-1..1: how near the text stays to what was asked")
    entities: float = Field(description="0..1: share of the names, dates and amounts that were kept")
    human: float | None = Field(description="mean log-likelihood per token under the base model, in nats")


class RewriteView(BaseModel):
    rewrite_id: str
    user_id: str
    created_at: datetime
    input: str
    text: str = Field(description="the first of `texts`")
    texts: list[str] = Field(
        description="one per sample. A passage of a few words (a greeting, a heading, a label) of which the "
        "model made something else stays as it was"
    )
    finish: list[str] = Field(
        description="per text: `stop`; `length` if a passage reached its token limit; else `empty` if the model wrote "
        "nothing for a passage, which then stayed as it was"
    )
    faithfulness: list[float] | None = Field(
        description="per text, 0..1, judged by spelling alone: 1 if every name, figure and address and a trace of "
        "every sentence is there, the length is about right, nothing loops and the model ended by itself; what is "
        "amiss in the worst passage lowers it; 0 if nothing was written for a passage. Null for rewrites from before "
        "it was judged"
    )
    lost: list[list[str]] | None = Field(
        description="per text: names, figures and addresses of the input that it does not tell, as they were spelled"
    )
    logprobs: list[list[Token]] | None = Field(
        description="per text, if asked for: the tokens as the model wrote them, passage after passage, before the "
        "leading `Rewritten:` is taken off and white space is put in order; none for a passage that stayed as it was"
    )
    adapter: AdapterRef | None = Field(description="null: the base model wrote it")
    base_digest: str
    mode: str | None
    seed: int
    notes: list[str]
    usage: Usage
    timing: dict[str, float] = Field(description="milliseconds")
    scores: list[Scores] | None = Field(description="one per text; null until a worker has scored them")

    @classmethod
    def of(cls, rewrite: Rewrite, external_id: str) -> Self:
        version, digest = rewrite.adapter_version, rewrite.adapter_digest
        return cls(
            rewrite_id=rewrite.id,
            user_id=external_id,
            created_at=rewrite.created_at,
            input=rewrite.text,
            text=rewrite.outputs[0],
            texts=rewrite.outputs,
            finish=rewrite.usage["finish"],
            faithfulness=rewrite.usage.get("faithfulness"),
            lost=rewrite.usage.get("lost"),
            logprobs=_tokens(rewrite.usage.get("logprobs")),
            adapter=AdapterRef(version=version, digest=digest) if version is not None and digest else None,
            base_digest=rewrite.base_digest,
            mode=rewrite.mode,
            seed=rewrite.seed,
            notes=rewrite.parameters["notes"],
            usage=Usage.model_validate(rewrite.usage),
            timing=rewrite.timing,
            scores=[Scores.model_validate(each) for each in rewrite.scores] if rewrite.scores is not None else None,
        )


def _tokens(logprobs: list[list[tuple[str, float]]] | None) -> list[list[Token]] | None:
    if logprobs is None:
        return None
    return [[Token(token=token, logprob=value) for token, value in text] for text in logprobs]
