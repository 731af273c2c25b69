"""A house full of people, served on a real port, and a real Chromium that tells whatever it does not like."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from app.auth import create_login_link
from app.config import Settings, get_settings
from app.db import EVERY_TENANT, now, transaction
from app.inference.fake import FakeEngine
from app.inference.types import RewriteOutcome, RewriteSpec
from app.jobs import service as jobs
from app.jobs.context import JobContext, TrainingOutcome
from app.jobs.runner import run_training
from app.models import Adapter, Feedback, Job, Rewrite, StyleSample, Tenant, User
from app.samples.service import fingerprint
from app.storage import LocalStorage
from tests.services import chromium_program
from tests.serving import free_port, serving

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A busy machine is no failure.
expect.set_options(timeout=60_000)

DEMO = Path(__file__).parents[2] / "app" / "assets" / "demo"
VOICES = [{"tag": "work", "share": 0.5}, {"tag": "friends", "share": 0.5}]


def gate(*, passes: bool) -> dict[str, Any]:
    checks = [
        ("held-out", True, 14, "≥ 12", "It was tried on 14 texts that it had not seen."),
        ("style", True, 0.31, "interval above +0.00", "It sounds more like you than before: +0.31."),
        (
            "meaning",
            passes,
            0.86 if passes else 0.71,
            "≥ 0.80",
            "It keeps what you say." if passes else "It loses too much of what you say.",
        ),
        ("voices", True, None, "≥ 0.00", "You have one voice here, so none could be lost."),
    ]
    names = ("name", "passed", "value", "bound", "words")
    return {
        "decision": "promoted" if passes else "rejected",
        "checks": [dict(zip(names, check, strict=True)) for check in checks],
    }


class Mimic(FakeEngine):
    """Writes in a manner one can see: adapters shout less and use contractions."""

    async def rewrite(self, spec: RewriteSpec) -> RewriteOutcome:
        outcome = await super().rewrite(spec)
        text = spec.text
        if spec.adapter_digest:
            text = text.lower().replace("i will", "i'll").replace("you are", "ur").rstrip(".") + " lol"
        return replace(outcome, texts=[text] * spec.n)


@dataclass
class Training:
    """A training whose steps the test counts out: `go.release()` lets it do one."""

    steps: int
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __call__(self, context: JobContext) -> TrainingOutcome:
        context.stage("curate", 0.0)
        context.note("40 passages to learn from, 8 kept for the test, 1 voice, 0 approved rewrites")
        context.stage("warm-start", 0.05)
        for step in range(1, 9):
            context.metrics("warm-start", step, {"nll": 3.2 / (1 + step / 3)}, 0.05 + 0.03 * step)
        context.stage("reinforce", 0.3)
        for step in range(1, self.steps + 1):
            assert self.go.acquire(timeout=60)
            context.give_way()
            grown = 1 - 0.85**step
            parts = {"style": 0.7 * grown, "meaning": 0.95 - 0.1 * grown, "entities": 0.9, "length": 0.8 + 0.1 * grown}
            reward = {"reward": 0.2 + 0.5 * grown + 0.04 * (-1) ** step}
            context.metrics("reinforce", step, reward | parts, 0.3 + 0.6 * step / self.steps)
            context.sample([f"step {step}: see u at the <b>market</b>, bring {step} bags"])
        context.stage("publish", 0.98)
        return TrainingOutcome(3, "rejected", {"gate": gate(passes=False)})


@dataclass
class House:
    """The address of a served house, who lives there, and hands to move what workers would."""

    address: str
    people: dict[str, User]
    settings: Settings
    engine: Mimic

    def link(self) -> str:
        with transaction(EVERY_TENANT) as session:
            return f"{self.address}/admin/login/{create_login_link(session)}"

    def begin_training(self, name: str, steps: int = 12) -> tuple[Job, Training, threading.Thread]:
        user = self.people[name]
        with transaction(user.tenant_id) as session:
            job = jobs.create(session, user, "voice", {})
        training = Training(steps)
        thread = threading.Thread(target=run_training, args=(job.id, training), name="worker")
        thread.start()
        return job, training, thread

    def score_everything(self, satisfaction: float) -> None:
        """What the score worker does, without its models."""
        with transaction(EVERY_TENANT) as session:
            for row in session.query(Rewrite):
                row.scores = [{"style": 0.62, "meaning": 0.91, "entities": 1.0, "human": -3.1}]
                row.scored_at = now()
            for remark in session.query(Feedback):
                remark.satisfaction, remark.scored_at = satisfaction, now()


@pytest.fixture
def house(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("IDIOLECT_ENGINE_URL", "http://127.0.0.1:9")
    get_settings.cache_clear()
    settings = get_settings()
    people = _move_in()
    for name, versions in {"max": 1, "rosa": 2, "sam": 2}.items():
        for number in range(versions):
            _publish(settings, people[name], number, promote=number == 0 or name == "sam")
    port = free_port()
    engine = Mimic()
    with serving(engine, port):
        yield House(f"http://127.0.0.1:{port}", people, settings, engine)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = chromium_program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def forgiven() -> set[int]:
    """Statuses that a test brings about on purpose; the browser tells its console of each."""
    return set()


@pytest.fixture(params=["light", "dark", "phone"])
def page(request: pytest.FixtureRequest, chromium: Browser, house: House, forgiven: set[int]) -> Iterator[Page]:
    """A tab, closed before the house is. The test fails if its console tells of an error, a warning, or the CSP."""
    size = {"width": 320, "height": 700} if request.param == "phone" else {"width": 1180, "height": 860}
    scheme = "dark" if request.param == "dark" else "light"
    context = chromium.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        told = re.search(r"the server responded with a status of (\d+)", message.text)
        if message.type in ("error", "warning") and not (told and int(told[1]) in forgiven):
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.blockedURI))"
    )
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["page"])


def _move_in() -> dict[str, User]:
    people = {}
    with transaction(EVERY_TENANT) as session:
        tenants = [Tenant(name="Brightmail"), Tenant(name="Harbour Press")]
        session.add_all(tenants)
        session.flush()
        for number, row in enumerate(json.loads((DEMO / "people.json").read_text())):
            user = User(tenant_id=tenants[number % 2].id, external_id=row["id"], display_name=row["name"])
            session.add(user)
            session.flush()
            people[row["id"]] = user
            for sample in row["samples"]:
                session.add(
                    StyleSample(
                        tenant_id=user.tenant_id,
                        user_id=user.id,
                        text=sample["text"],
                        context=sample.get("context"),
                        source="letters.txt",
                        sha256=fingerprint(sample["text"]),
                        created_at=now() - timedelta(days=2, hours=number),
                    )
                )
    return people


def _publish(settings: Settings, user: User, number: int, *, promote: bool) -> Adapter:
    from app.adapters import service

    content = f"version {number} of {user.external_id}".encode() * 40_000
    with transaction(user.tenant_id) as session:
        adapter = service.publish(
            session,
            user_id=user.id,
            digest=LocalStorage(settings).put(content),
            base_digest="0" * 64,
            size_bytes=len(content),
            parent_version=number or None,
            modes=VOICES if user.external_id == "sam" else [],
            gate=gate(passes=promote),
        )
        if promote:
            service.promote(session, user.id, adapter.version)
    return adapter
