"""Reports of evaluations on the dashboard: read where `idiolect evaluate` writes them, and nothing else is."""

import math
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.admin import evaluations
from app.admin.access import Operator
from app.config import Settings
from app.errors import NotFound
from app.evaluation.figures import Shares
from app.evaluation.report import Report, Shown
from app.evaluation.tables import Table
from app.learning.bootstrap import Interval

VOICES = Table(
    "Voices: somebody",
    ["somebody", "style", "reached", "wins"],
    [
        ["few-shot <prompt>", Interval(0.5, 0.25, 0.75), True, Interval(math.nan, math.nan, math.nan)],
        ["voice", Interval(-1.5, -1.5, -1.5), False, 120.4],
    ],
    ["style: how near"],
)


@pytest.fixture
def folder(settings: Settings) -> Path:
    folder = settings.data_dir / "evaluation" / "dropout"
    folder.mkdir(parents=True)
    shares = Shares("style-distribution", "Which voice?", {"somebody": {"voice": {"work": 1.0}}})
    texts = [Shown("somebody", "It rained.", {"voice": "rain again"})]
    Report("Does every voice survive?", ["Seeds: 1 & no more."], [VOICES], [shares], texts).write(folder)
    return folder


def test_without_reports_the_page_says_how_to_make_one(operator: TestClient) -> None:
    assert "idiolect evaluate --suite dropout --quick" in operator.get("/admin/evaluations").text


def test_a_report_is_shown_as_it_was_written(operator: TestClient, folder: Path) -> None:
    listed = operator.get("/admin/evaluations").text
    assert 'href="/admin/evaluations/dropout"' in listed
    assert "Does every voice survive?" in listed
    shown = " ".join(operator.get("/admin/evaluations/dropout").text.split())
    assert "Seeds: 1 &amp; no more." in shown
    assert '<th scope="row">few-shot &lt;prompt&gt;</th><td>0.50 <span class="bound">0.25 to 0.75</span></td>' in shown
    assert "<td>passed</td><td>–</td>" in shown
    assert '<th scope="row">voice</th><td>−1.50</td><td>failed</td><td>120</td>' in shown
    assert "style: how near" in shown
    plot = operator.get("/admin/evaluations/dropout/style-distribution.png")
    assert (plot.headers["content-type"], plot.content) == (
        "image/png",
        (folder / "style-distribution.png").read_bytes(),
    )
    assert 'src="/admin/evaluations/dropout/style-distribution.png"' in shown
    texts = operator.get("/admin/evaluations/dropout/texts.md")
    assert texts.headers["content-type"].startswith("text/plain")
    assert "rain again" in texts.text


@pytest.mark.parametrize(
    "address",
    [
        "/admin/evaluations/authors",
        "/admin/evaluations/..%2Fdropout",
        "/admin/evaluations/dropout/report.json",
        "/admin/evaluations/dropout/missing.png",
        "/admin/evaluations/dropout/..%2F..%2Fidiolect.db",
    ],
)
def test_only_reports_and_what_belongs_to_them_are_read(operator: TestClient, folder: Path, address: str) -> None:
    answer = operator.get(address)
    assert answer.status_code == 404


@pytest.mark.parametrize(("name", "file"), [("dropout", "../../idiolect.db"), ("..", "idiolect.db"), ("a/..", "x")])
def test_no_name_leads_out_of_the_folder(settings: Settings, folder: Path, name: str, file: str) -> None:
    """However the address was decoded."""
    (settings.data_dir / "idiolect.db").write_text("secret")
    with pytest.raises(NotFound):
        evaluations.file(Operator(""), name, file)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"title": "x"}', b"\xff"])
def test_a_damaged_report_says_how_it_is_mended(operator: TestClient, folder: Path, content: bytes) -> None:
    (folder / "report.json").write_bytes(content)
    for address, status in (("/admin/evaluations", 200), ("/admin/evaluations/dropout", 404)):
        answer = operator.get(address)
        assert answer.status_code == status
        assert "Run the same evaluation again" in answer.text


def test_strangers_see_no_report(anonymous: TestClient, folder: Path) -> None:
    for address in ("/admin/evaluations", "/admin/evaluations/dropout", "/admin/evaluations/dropout/texts.md"):
        answer = anonymous.get(address, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/login")
