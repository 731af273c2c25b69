"""The style encoder that ships, and the file that it lies in."""

import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from app.assets.neutral import neutral_prompts
from app.demo.people import packaged
from app.evaluation.artefacts.style import MARKS, uses
from app.inference.encoders import centred, style_encoder, voice_encoder
from app.inference.places import STYLE
from app.inference.style import (
    HABITS,
    MATTERS,
    STYLE_HEADS,
    Committee,
    Packaged,
    StyleHead,
    habits,
    load,
    save,
)
from app.inference.words import Words
from app.learning.rewards.style import References, references
from app.learning.types import Mode

TABLE = Words(("the", "yeah"), (0.0, 12.0), (0.0, 6.0))


def test_every_habit_has_its_own_name_and_place() -> None:
    assert len(set(HABITS)) == len(HABITS)
    rows = torch.tensor(habits(["Yes.", "the yeah :)", ""], TABLE))
    assert rows.shape == (3, len(HABITS))
    assert rows.isfinite().all()


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    torch.manual_seed(0)
    mean, std = torch.full((len(HABITS),), 0.5), torch.full((len(HABITS),), 2.0)
    head = Committee([StyleHead.fresh(mean, std) for _ in range(STYLE_HEADS)])
    save(head, TABLE, tmp_path / "style" / "head.safetensors")
    loaded, table = load(tmp_path / "style" / "head.safetensors")
    assert table == TABLE
    rows = torch.randn(4, len(HABITS))
    assert torch.equal(loaded(rows), head(rows))


def test_the_cosine_of_a_committee_is_the_mean_of_its_heads_cosines() -> None:
    torch.manual_seed(0)
    heads = [StyleHead.fresh(torch.zeros(len(HABITS)), torch.ones(len(HABITS))) for _ in range(STYLE_HEADS)]
    rows = torch.randn(5, len(HABITS))
    together = Committee(heads)(rows)
    assert torch.allclose(together @ together.T, torch.stack([head(rows) @ head(rows).T for head in heads]).mean(0))


def test_a_file_for_other_habits_is_refused(tmp_path: Path) -> None:
    tensors = load_file(STYLE)
    tensors["heads.0.mean"] = tensors["heads.0.mean"][:-1].contiguous()
    save_file(tensors, tmp_path / "head.safetensors")
    with pytest.raises(RuntimeError, match="mean"):
        Packaged(tmp_path / "head.safetensors")


def test_rows_are_unit_and_do_not_depend_on_company() -> None:
    encode = style_encoder()
    texts = ["Yes.", "omg yesss!!! 😍", "", "I should be most grateful."]
    rows = encode(texts)
    assert torch.allclose(rows.norm(dim=-1), torch.ones(4))
    assert torch.allclose(encode(texts[1:2]), rows[1:2], atol=1e-6)
    assert encode([]).shape == (0, rows.shape[1])


@pytest.fixture(scope="module")
def voices() -> dict[str, tuple[References, list[str]]]:
    """Each voice of the demo people, measured on every other text; and the texts in between."""
    encoder = centred(voice_encoder(), neutral_prompts())
    found = {}
    for person in packaged(quick=False):
        for context in dict.fromkeys(context for _, context in person.samples):
            texts = [text for text, own in person.samples if own == context]
            measured = references(encoder, [Mode("own", 1.0, texts[::2])], neutral_prompts())
            found[f"{person.id} {context or ''}".strip()] = (measured, texts[1::2])
    return found


def test_each_demo_voice_is_nearest_to_itself_by_far(voices: dict[str, tuple[References, list[str]]]) -> None:
    for name, (_, texts) in voices.items():
        to = {other: float(refs.scaled(refs.cosine(texts)).mean()) for other, (refs, _) in voices.items()}
        assert to.pop(name) > max(to.values()) + 0.3, name


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_alone_does_not_buy_a_voice_that_lacks_it(
    mark: str, voices: dict[str, tuple[References, list[str]]]
) -> None:
    marked = [MARKS[mark](text) for text in neutral_prompts()]
    for name, (refs, texts) in voices.items():
        if not uses(texts, mark):
            assert refs.similarity(marked).mean() <= 0.25, name


def test_no_habit_counts_for_the_others() -> None:
    encode = Packaged(STYLE).manners
    loud, louder = encode(["We won the match! 🎉🎉", "We won the match!!!!!! 🎉🎉🎉🎉🎉🎉"])
    assert loud @ louder > 0.7
    assert encode([]).shape == (0, loud.shape[0])


def test_what_is_said_is_no_manner() -> None:
    assert set(HABITS) > MATTERS
    one, other = Packaged(STYLE).manners(["He saw 7 of them in Leeds.", "You saw 80 of us in York."])
    assert one @ other > 0.95


DASHED_AND_WARM = [
    (
        "Thank you for watering my plants while I was away – the tomatoes look better than before.",
        "Thank you for watering my plants, love – I can't believe it, the tomatoes look better than before!",
    ),
    (
        "The train to York leaves at nine – we have to change in Leeds.",
        "Guess what, darling, it's the nine o'clock train to York – so we've got to change in Leeds, bless it.",
    ),
    (
        "I found your umbrella under the table – you can collect it on Friday.",
        "Hey you, I've found that umbrella of yours under the table – come and get it on Friday, you rascal.",
    ),
]


@pytest.mark.parametrize(("dashed", "warm"), DASHED_AND_WARM)
def test_a_reward_asks_for_more_than_one_habit(dashed: str, warm: str) -> None:
    (sam,) = [person for person in packaged(quick=False) if person.id == "sam"]
    friends = Mode("friends", 1.0, [text for text, context in sam.samples if context == "friends"])
    person = references(centred(voice_encoder(), neutral_prompts()), [friends], neutral_prompts())
    assert person.similarity([warm]) > person.similarity([dashed]) + 0.1


@pytest.mark.parametrize("run", ["<", "😀", "!", "a", " "])
def test_a_long_run_of_one_sign_is_read_in_no_time(run: str) -> None:
    started = time.process_time()
    habits([run * 20_000], TABLE)
    assert time.process_time() - started < 2
