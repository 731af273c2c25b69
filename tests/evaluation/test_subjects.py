import pytest

from app.evaluation.measuring import voices_of
from app.evaluation.subjects import Subject, three_styles, two_voices
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
