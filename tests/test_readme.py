"""The README keeps its word: its commands are run as they are written, and its tables say what the code says."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.main import get_command

from app.cli import app
from app.config import Settings, get_settings
from app.inference.base import ensure_base
from app.inference.fake import FakeEngine
from app.jobs.runner import worker_is_stopping
from tests.serving import free_port, serving, working

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
SETTING = re.compile(r"`IDIOLECT_([A-Z_]+)=([^`]*)`")

RUN = re.compile(r"(?:[A-Z]+=\$\()?(?:call|idiolect|export \w+=|URL=|\w+\(\) \{)")
"""How lines begin that are run here, against a real web."""
STARTS_A_SERVER = re.compile(r"idiolect (?:up|serve|demo)\b")
LONG = {
    "make demo": ["make", "-o", ".venv/.installed", "demo", "ARGS=--quick"],
    "make test": ["make", "-n", "-o", ".venv/.installed", "test"],
}
"""What takes minutes, and the form of it that stands for it here: whoever reads this runs within `make test`."""

LETTERS = [
    f"hey {name}, gonna be there at {hour}, save me a seat" for hour, name in enumerate("ann ben cem dan".split())
]


class Unknown(ValueError):
    """A command nobody here knows how to run."""


def is_run_here(command: str) -> bool:
    """Raises Unknown."""
    if command in LONG:
        return False
    if RUN.match(command) and not STARTS_A_SERVER.search(command):
        return True
    raise Unknown(f"teach this test to run: {command}")


def commands(block: str) -> list[str]:
    return [line.strip() for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


BLOCKS = [block for _, block in FENCE.findall(README)]
SCRIPT = [command for block in BLOCKS for command in commands(block) if command not in LONG]


@pytest.fixture
def server(database: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a real web with an engine and a worker that need no model."""
    monkeypatch.setenv("IDIOLECT_PORT", str(free_port()))
    monkeypatch.setenv("IDIOLECT_ENGINE_URL", "http://127.0.0.1:9")
    get_settings.cache_clear()
    settings = get_settings()
    worker_is_stopping.clear()
    with serving(FakeEngine(), settings.port), working(settings):
        yield f"http://127.0.0.1:{settings.port}"


def test_every_block_is_of_commands_that_are_run_somewhere() -> None:
    assert {language for language, _ in FENCE.findall(README)} == {"sh"}
    for block in BLOCKS:
        assert len({is_run_here(command) for command in commands(block)}) == 1, "one kind of command a block"


@pytest.mark.parametrize("command", ["rm -rf /", "idiolect up", "make everything", "pip install idiolect"])
def test_an_unknown_command_would_be_noticed(command: str) -> None:
    with pytest.raises(Unknown, match=re.escape(command)):
        is_run_here(command)


@pytest.mark.slow
def test_the_commands_work_in_the_order_they_are_read(server: str, tmp_path: Path) -> None:
    (tmp_path / "my-texts.txt").write_text("\n\n".join(LETTERS))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    marked = [f"echo '## {number}'\n{command}" for number, command in enumerate(SCRIPT)]
    script = "\n".join(["set -eo pipefail", *marked, "echo $IDIOLECT_API_KEY"])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"IDIOLECT_URL": server, "PATH": path},
        capture_output=True,
        text=True,
        timeout=240,
    )
    reached = int(re.findall(r"^## (\d+)$", done.stdout, re.MULTILINE)[-1])
    assert done.returncode == 0, f"{SCRIPT[reached]}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert reached == len(SCRIPT) - 1
    headers = {"Authorization": f"Bearer {done.stdout.split()[-1]}"}
    with httpx.Client(base_url=server, headers=headers, trust_env=False) as client:
        assert [user["id"] for user in client.get("/v1/users").json()["items"]] == ["ada"]
        assert len(client.get("/v1/users/ada/samples").json()["items"]) == 1 + len(LETTERS)
        [rewrite] = client.get("/v1/users/ada/rewrites").json()["items"]
        [feedback] = client.get("/v1/users/ada/feedback").json()["items"]
    assert rewrite["adapter"]["version"] == 1
    assert feedback["rewrite_id"] == rewrite["rewrite_id"]
    assert feedback["satisfaction"] is not None


def test_make_test_runs_pytest() -> None:
    done = subprocess.run(LONG["make test"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pytest" in done.stdout


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.timeout(2400)
def test_make_demo_learns_a_voice(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make demo` in its quick form, from an empty data folder; the base is the checkout's own, converted once."""
    base = ensure_base(Settings(data_dir=ROOT / ".idiolect"))
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", str(base.resolve()))
    monkeypatch.setenv("IDIOLECT_PORT", str(free_port()))
    monkeypatch.setenv("IDIOLECT_ENGINE_URL", f"http://127.0.0.1:{free_port()}")
    done = subprocess.run(LONG["make demo"], cwd=ROOT, capture_output=True, text=True, timeout=2300)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
    [person] = json.loads((settings.data_dir / "demo-report.json").read_text(encoding="utf-8"))["people"]
    assert person["style_after"] > person["style_before"]
    assert person["meaning"] >= 0.8


@pytest.mark.parametrize("words", sorted({code for code in INLINE.findall(README) if code.startswith("make ")}))
def test_make_knows_every_target_that_is_named(words: str) -> None:
    target = words.split()[1]
    done = subprocess.run(["make", "-n", "-o", ".venv/.installed", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_command_line_knows_every_command_that_is_named() -> None:
    named = {code for code in INLINE.findall(README) if code.startswith("idiolect ")} | {
        match for command in SCRIPT for match in re.findall(r"idiolect [a-z]+(?: [a-z]+)?", command)
    }
    known = getattr(get_command(app), "commands")  # noqa: B009
    for words in named:
        group, *rest = words.split()[1:]
        assert group in known, words
        below = getattr(known[group], "commands", None)
        assert below is None or rest[0] in below, words


def test_the_table_of_settings_is_whole_and_true() -> None:
    told = {name.lower(): default for name, default in SETTING.findall(section("Settings"))}
    defaults = {name: str(field.default) for name, field in Settings.model_fields.items()}
    assert told == defaults


def test_the_tree_names_every_folder_and_no_other() -> None:
    rows = section("The tree").splitlines()
    named = {folder for row in rows for folder in re.findall(r"`([\w/]+)/`", row.partition(" | ")[0])}
    ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    top = {path.split("/")[0] for path in listed if "/" in path and not path.startswith(".")}
    nouns = {"/".join(path.split("/")[:2]) for path in listed if re.match(r"app/\w+/", path)}
    assert named == top | nouns


def test_links_lead_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in target]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_it_is_a_map_and_not_a_manual() -> None:
    assert len(README.splitlines()) <= 150


def test_its_table_of_voices_is_that_of_the_report() -> None:
    report = json.loads((ROOT / "benchmarks/reports/dropout/report.json").read_text(encoding="utf-8"))
    tables = {table["title"]: table["rows"] for table in report["tables"]}
    shown = [
        line.strip("| ").split(" | ") for line in section("Does every voice survive?").splitlines() if "| " in line
    ]
    assert [row[0] for row in shown[1:]] == ["input", "SFT", "article, no dropout", "article, dropout", "voice"]
    for name, *cells in shown[1:]:
        found = []
        for person in ("three styles", "two voices"):
            voices, content = (
                next(row for row in tables[f"{title}: {person}"] if row[person] == name)
                for title in ("Voices", "Content")
            )
            found += [voices["entropy / own"], voices["weakest voice"], content["meaning"], content["copies"]]
        means = [value[0] if isinstance(value, list) else value for value in found]
        assert cells == [f"{mean:.2f}".removeprefix("0") for mean in means]
