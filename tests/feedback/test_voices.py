import json
from pathlib import Path

from app.feedback.voices import measured_voices
from app.inference.encoders import evaluation_encoder, style_encoder
from app.jobs.evaluation import person_references

PEOPLE = Path(__file__).parents[2] / "app" / "assets" / "demo" / "people.json"


def test_scores_and_evaluation_measure_by_the_same_voices() -> None:
    people = {person["id"]: person["samples"] for person in json.loads(PEOPLE.read_text(encoding="utf-8"))}
    written = tuple((sample["text"], sample["context"]) for sample in people["sam"])
    person = measured_voices(written, style_encoder(), evaluation_encoder())
    assert set(person.shares) == {"work", "friends"}
    own_N_M = person.by_mode(person.similarity([text for text, _ in written]))
    nearest = [list(person.shares)[place] for place in own_N_M.argmax(-1).tolist()]
    right = sum(mode == context for mode, (_, context) in zip(nearest, written, strict=True))
    assert right >= 0.9 * len(written)
    assert person_references(list(written)) is person
