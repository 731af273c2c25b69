import pytest

from app.evaluation.measuring import voices_of
from app.evaluation.problems import CannotEvaluate
from app.evaluation.subjects import Subject, invented, three_styles, two_voices, user
from app.evaluation.voicing import told_by_share


@pytest.mark.parametrize("subject", [three_styles(), two_voices()], ids=lambda subject: subject.name)
def test_what_the_larger_model_wrote_is_of_these_inputs_in_the_told_voices(subject: Subject) -> None:
    """It is what trained arms are compared with, so it must have been told the same: nearest to the told voice."""
    assert len(subject.larger_model) == len(subject.inputs)
    for plain, written in zip(subject.inputs, subject.larger_model, strict=True):
        assert plain.startswith("Subject:") == written.startswith("Subject:")
        assert plain != written
        figures = {word.strip(".,!") for word in plain.split() if word[0].isdigit()}
        assert figures <= {word.strip(".,!") for word in written.split()}, written
    voices = voices_of(subject)
    near_NM = voices.by_mode(voices.scaled(voices.cosine(list(subject.larger_model))))
    told = told_by_share(subject)
    nearest = [list(voices.shares)[place] for place in near_NM.argmax(-1).tolist()]
    assert sum(one == other for one, other in zip(nearest, told, strict=True)) >= 0.75 * len(told)


def test_a_user_learns_from_most_samples_and_is_tested_on_others() -> None:
    samples = [(f"Message number {place}. See you there, my friends.", "work") for place in range(60)]
    writer = user("kim", samples, passage_words=4, held_out=12)
    assert 12 <= len(writer.held_out) <= 16
    assert not {text for text in writer.held_out if "number" in text} & set(writer.texts)
    assert {context for _, context in writer.written} == {"work"}
    assert all(len(text.split()) <= 4 for text in (*writer.texts, *writer.held_out))


def test_who_wrote_little_cannot_be_tested() -> None:
    with pytest.raises(CannotEvaluate, match="kim has 9 samples, too few") as refused:
        user("kim", [("I am on my way.", None)] * 9, passage_words=20, held_out=12)
    assert "idiolect samples add kim FILE" in refused.value.remedy
    with pytest.raises(CannotEvaluate, match="300 samples, too few: of passages of two words or more, 0 to learn"):
        user("kim", [("Yes.", None)] * 300, passage_words=20, held_out=12)
    assert user("kim", [("I am on my way.", None)] * 20, passage_words=20, held_out=12)


def test_who_is_of_the_demo_is_not_told_apart_from_themselves() -> None:
    everyone = invented([])
    assert len(everyone) == 4
    sam = user("sam", two_voices().samples, passage_words=1000, held_out=12)
    assert len(invented([sam])) == 3
