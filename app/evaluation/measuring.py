"""An arm's outputs as numbers: one value per text and measure, as plain JSON, so that tables can be made of them later.

_N text, _M voice.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch

from app.assets.neutral import neutral_prompts
from app.evaluation.subjects import Subject
from app.evaluation.workshop import Workshop
from app.evaluation.writing import Written
from app.feedback.voices import measured_voices
from app.inference.encoders import centred, entity_finder, evaluation_encoder, meaning_encoder, style_encoder
from app.inference.faithful import loops, share_told
from app.learning.assessment import Yardstick, assess, nearest_modes
from app.learning.modes import find_modes
from app.learning.neutralise import neutralise
from app.learning.rewards.style import References
from app.learning.types import Mode


def voices_of(subject: Subject) -> References:
    """The subject's voices under the evaluation encoder."""
    return measured_voices(subject.samples, style_encoder(), evaluation_encoder())


def modes_of(subject: Subject) -> list[Mode]:
    """The subject's voices as texts, found as a training finds them."""
    plain = neutral_prompts()
    contexts = [context for _, context in subject.samples]
    return find_modes(subject.texts, contexts, centred(style_encoder(), plain), neutral_texts=plain)


def own_shares(subject: Subject) -> dict[str, float]:
    """Of the subject's own texts, the share nearest to each voice, by the measure outputs are judged by."""
    return nearest_modes(voices_of(subject), subject.texts)


def measured(
    shop: Workshop, subject: Subject, sources: Sequence[str], written: Written, told: Sequence[str | None]
) -> dict[str, Any]:
    """Outputs with `values` (a list of one number per text for every measure) and the voice each is nearest to.

    `style` and `style_raw` are of the nearest voice, whatever was told; `told_style` of the told one. On the calibrated
    scale nobody's voice says the same over and over: there a text that `loops` is worth 0, however typical its words.
    """
    voices = voices_of(subject)
    yardstick = Yardstick(
        voices,
        meaning_encoder(),
        neutralise,
        entity_finder(),
        share_told,
        shop.likelihood,
        training_samples=subject.texts,
        held_out_samples=[],
        p_human=shop.p_human,
    )
    values = assess(sources, written.texts, [None] * len(sources), yardstick).values
    placed_N_M = voices.by_mode(voices.scaled(voices.cosine([text.strip() or "." for text in written.texts])))
    tags = list(voices.shares)
    values["told_style"] = [
        row[tags.index(tag)] if tag in tags else math.nan
        for row, tag in zip(placed_N_M.clamp(-1, 1).tolist(), told, strict=True)
    ]
    values["format"] = written.well_formed
    values["loops"] = [float(loops(source, text)) for source, text in zip(sources, written.texts, strict=True)]
    for name in ("style", "told_style"):
        values[name] = [
            min(style, 0.0) if looped else style for style, looped in zip(values[name], values["loops"], strict=True)
        ]
    return {
        "sources": list(sources),
        "outputs": written.texts,
        "told": list(told),
        "nearest": [tags[k] for k in placed_N_M.argmax(-1).tolist()],
        "values": values,
    }


def weakest_voice(found: Sequence[dict[str, Any]], tags: Sequence[str]) -> torch.Tensor:
    """Per seed [S], the mean calibrated style of the texts of the voice that fares worst.

    Texts of a voice are those told it, or where nothing was told those nearest to it; a voice without any counts 0.
    """
    worst = []
    for one in found:
        is_told = any(tag is not None for tag in one["told"])
        owners, styles = (one["told"], "told_style") if is_told else (one["nearest"], "style")
        means = []
        for tag in tags:
            own = [v for v, owner in zip(one["values"][styles], owners, strict=True) if owner == tag]
            means.append(sum(own) / len(own) if own else 0.0)
        worst.append(min(means))
    return torch.tensor(worst)
