import pytest
import torch

from app.learning.rewards.style import Calibration, References, references
from app.learning.types import Mode


def angles(texts):
    """A style encoder on a circle: each text is its angle in degrees."""
    radians = torch.deg2rad(torch.tensor([float(text) if text != "." else 0.0 for text in texts]))
    return torch.stack([radians.cos(), radians.sin()], dim=-1)


OWN = ["80", "85", "90", "95", "100"]
NEUTRAL = ["20", "25", "30"]


def test_neutral_is_zero_and_the_persons_own_sentence_is_one():
    person = references(angles, [Mode("voice 1", 1.0, OWN)], NEUTRAL)
    assert person.similarity(["25"]).item() == pytest.approx(0, abs=0.01)
    assert person.similarity(OWN).mean().item() == pytest.approx(1, abs=0.02)


def test_calibration_in_closed_form_with_its_narrowest_scale():
    calibrate = Calibration(neutral_K=torch.tensor([0.2, 0.8]), self_K=torch.tensor([0.7, 0.85]))
    scaled = calibrate(torch.tensor([[0.45, 0.8], [0.7, 0.95]]))
    torch.testing.assert_close(scaled, torch.tensor([[0.5, 0.0], [1.0, 1.0]]))


def test_pay_is_bounded_on_both_sides_and_the_scale_is_not():
    person = References(
        angles, ("a",), angles(["90"]), {"a": 1.0}, Calibration(torch.tensor([0.4]), torch.tensor([0.6]))
    )
    assert person.similarity(["90", "270"]).flatten().tolist() == [1, -1]
    assert person.scaled(person.cosine(["90", "270"])).flatten().tolist() == pytest.approx([3.0, -7.0])


def test_own_similarity_leaves_the_text_out_of_its_reference():
    texts = ["0", "0", "0", "90"]
    person = references(angles, [Mode("a", 1.0, texts)], ["180"])
    others = [angles([t for j, t in enumerate(texts) if j != i]).sum(0) for i in range(4)]
    expected = sum(
        torch.cosine_similarity(angles([text])[0], other, dim=0).item()
        for text, other in zip(texts, others, strict=True)
    )
    assert person.calibration.self_K.item() == pytest.approx(expected / 4)


def test_the_articles_references_are_the_raw_single_samples():
    modes = [Mode("a", 0.5, ["0", "10", "20", "30"]), Mode("b", 0.5, ["90", "91", "92", "93"])]
    person = references(angles, modes, [], kind="samples", is_calibrated=False)
    assert person.tags == ("a",) * 4 + ("b",) * 4
    assert person.similarity(["10"]).amax().item() == pytest.approx(1)
    assert person.by_mode(person.similarity(["10"]))[0].tolist() == pytest.approx(
        [1.0, torch.deg2rad(torch.tensor(80.0)).cos().item()], abs=1e-5
    )


def test_single_samples_can_be_calibrated_too():
    texts = ["0", "60", "60", "60"]
    person = references(angles, [Mode("a", 1.0, texts)], ["180"], kind="samples")
    assert person.calibration.self_K.tolist() == pytest.approx([0.5, 2.5 / 3, 2.5 / 3, 2.5 / 3])
    assert person.calibration.neutral_K.tolist() == pytest.approx([-1.0, -0.5, -0.5, -0.5], abs=1e-6)


def test_an_empty_text_is_read_as_a_full_stop():
    person = references(angles, [Mode("a", 1.0, OWN)], NEUTRAL)
    assert torch.equal(person.cosine([""]), person.cosine(["."]))


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="no mode"):
        references(angles, [], NEUTRAL)
    with pytest.raises(ValueError, match="'a' has 3 texts"):
        references(angles, [Mode("a", 1.0, OWN[:3])], NEUTRAL)
    with pytest.raises(ValueError, match="neutral"):
        references(angles, [Mode("a", 1.0, OWN)], [])
