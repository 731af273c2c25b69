"""The recipe of the detector on texts that a tiny base can tell apart."""

import json
from pathlib import Path

import pytest
import torch

from app.assets.build import human
from app.config import Settings
from app.inference.base import read_card
from app.inference.detector import Calibration
from tests.tiny import build_tiny_base

SHARED = "It was a Monday in March and "


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten pairs a source; the person's words vary, the machine's do not."""
    folder = tmp_path / "machine_text"
    folder.mkdir()
    for source in human.SOURCES:
        pairs = [
            {
                "human": SHARED + " ".join(f"row {i * k % 97} of {chr(97 + i + k % 9)}{k}" for k in range(1, 14)),
                "machine": SHARED + "the the the the " * (14 + i),
            }
            for i in range(10)
        ]
        lines = "".join(json.dumps(pair) + "\n" for pair in pairs)
        (folder / f"{source}_gpt-3.5-turbo.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


def test_it_fits_each_length_that_enough_texts_have(
    data: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = build_tiny_base(tmp_path / "tiny")
    monkeypatch.setattr(human, "unmerged_base", lambda settings: base)
    said: list[str] = []
    figures = human.build(data, tmp_path / "out", said.append)
    calibration = Calibration.load(tmp_path / "out" / "human" / "calibration.json")
    assert calibration.base == read_card(base).digest
    lengths = [band.tokens for band in calibration.bands]
    assert lengths
    assert lengths == [length for length in human.LENGTHS if f"pairs_{length}" in figures]
    assert any("left out" in words for words in said)
    assert all(0 <= figures[f"human_{length}"] <= 1 for length in lengths)


def test_what_both_share_is_cut_off() -> None:
    assert human._without_shared_opening("so it goes on here", "so it went on here") == ("goes on here", "went on here")
    assert human._without_shared_opening("same", "same") == ("", "")


def test_auroc_counts_pairings_and_ties_half() -> None:
    assert human.auroc([3.0, 1.0], [0.0, 1.0]) == pytest.approx(3.5 / 4)


def test_a_fit_finds_the_trait_that_tells() -> None:
    generator = torch.Generator().manual_seed(0)
    traits_P_2_3 = torch.randn(60, 2, 3, generator=generator)
    traits_P_2_3[:, 0, 1] -= 3
    held_out_P_2 = human._held_out(traits_P_2_3, generator)
    assert human._auroc(held_out_P_2) > 0.9
