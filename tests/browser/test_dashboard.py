"""Through the dashboard as its operator goes, by day, by night and on a telephone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.adapters import service as adapters
from app.db import transaction
from app.users import service as users
from tests.browser.conftest import House

pytestmark = pytest.mark.browser

Shot = Callable[[str], None]


@pytest.fixture
def shot(page: Page, scheme: str, tmp_path: Path) -> Shot:
    """`shot("overview")` keeps a picture of the whole page and sees that nothing sticks out at its side."""

    def take(name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}-{scheme}.png", full_page=True)
        wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= window, f"{name} is {wide} px wide in a window of {window}"

    return take


@pytest.fixture
def home(page: Page, house: House) -> str:
    """The overview, with the operator just let in."""
    page.goto(house.link())
    page.get_by_role("button", name="Open the dashboard").click()
    page.wait_for_url(f"{house.address}/admin")
    return f"{house.address}/admin"


def test_a_link_opens_the_dashboard_once(page: Page, house: House, shot: Shot) -> None:
    link = house.link()
    page.goto(f"{house.address}/")
    expect(page).to_have_url(f"{house.address}/admin/login")
    shot("login")
    page.goto(link)
    shot("link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Login link")).to_be_visible()
    page.goto(f"{house.address}/admin")
    expect(page).to_have_url(f"{house.address}/admin/login")


def test_from_person_to_live_curve(page: Page, house: House, home: str, shot: Shot) -> None:
    _, training, worker = house.begin_training("rosa")
    try:
        page.goto(home)
        now = page.get_by_label("Training now")
        expect(now.get_by_role("link", name="Rosa")).to_be_visible()
        shot("overview")
        page.get_by_role("table").get_by_role("link", name="Rosa").click()
        expect(page.get_by_role("heading", name="Version 2")).to_be_visible()
        shot("person")
        page.get_by_label("Trainings").get_by_role("link", name="voice").click()
        reward = page.locator("[data-chart=reinforce]")
        expect(page.locator("[data-chart=warm-start]")).to_have_attribute("data-points", "8")
        for _ in range(3):
            training.go.release()
        expect(reward).to_have_attribute("data-points", "3")
        first = page.locator("#percent").inner_text()
        for _ in range(6):
            training.go.release()
        expect(reward).to_have_attribute("data-points", "9")
        expect(reward.locator(".legend")).to_contain_text("reward 0.5")
        expect(page.locator("#texts")).to_contain_text("step 9: see u at the <b>market</b>")
        expect(page.locator("#percent")).not_to_have_text(first)
        shot("job")
        training.go.release(10)
        expect(page.get_by_role("heading", name="Version 3, stopped by the gate")).to_be_visible()
        shot("job-done")
    finally:
        training.go.release(50)
        worker.join()


def test_a_running_training_is_cancelled_and_begun_again(page: Page, house: House, home: str, shot: Shot) -> None:
    job, training, worker = house.begin_training("max", steps=1000)
    page.goto(f"{home}/jobs/{job.id}")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_contain_text("next step")
    while worker.is_alive():
        training.go.release()
        worker.join(0.1)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#state")).to_have_text("queued")
    shot("job-queued")


def test_trying_a_voice_and_saying_what_one_thinks(
    page: Page, house: House, home: str, shot: Shot, forgiven: set[int]
) -> None:
    page.goto(home)
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("Person").select_option(label="Sam · Harbour Press")
    page.get_by_label("Voice").select_option("work")
    page.get_by_label("Text").fill("I will be late, because the train from Leeds is still standing in York.")
    house.engine.fail_with = "busy"
    forgiven.add(503)
    page.get_by_role("button", name="Write it in their voice").click()
    expect(page.get_by_role("alert")).to_contain_text("The language model has too much to do")
    house.engine.fail_with = None
    page.get_by_role("button", name="Write it in their voice").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    base, active = page.get_by_label("Base model"), page.get_by_label("Version 2", exact=True)
    expect(base.locator("blockquote")).to_contain_text("I will be late")
    expect(active.locator("mark").first).to_have_text("i'll")
    house.score_everything(0.9)
    expect(active).to_contain_text("style 0.62", timeout=5_000)
    page.get_by_label("What would Sam say").fill("Yes, that is exactly how I put it.")
    page.get_by_role("button", name="Send the feedback").click()
    expect(page.get_by_text("its score follows")).to_be_visible()
    house.score_everything(0.9)
    expect(page.get_by_text("satisfaction of")).to_contain_text("0.90", timeout=5_000)
    shot("try")


def test_promoting_and_rolling_back(page: Page, house: House, home: str, shot: Shot, forgiven: set[int]) -> None:
    rosa = house.people["rosa"]
    page.goto(f"{home}/people/{rosa.id}")
    page.get_by_role("button", name="Promote version 2").click()
    expect(page.get_by_role("status")).to_have_text("Version 2 speaks for rosa now.")
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("status")).to_have_text("Version 1 speaks for rosa again.")
    assert active(house) == 1
    with transaction(rosa.tenant_id) as session:
        adapters.rollback(session, rosa.id)
    forgiven.add(412)
    page.get_by_role("button", name="Promote version 2").click()
    expect(page.get_by_role("alert")).to_contain_text("Another version became active meanwhile")
    shot("race")
    page.get_by_role("button", name="Promote version 2").click()
    expect(page.get_by_text("Version 2 speaks for them")).to_be_visible()


def test_pasting_samples(page: Page, house: House, home: str, shot: Shot) -> None:
    sam = house.people["sam"]
    page.goto(f"{home}/people/{sam.id}")
    page.get_by_role("link", name="friends").click()
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    page.get_by_text("Add samples").click()
    page.get_by_label("Texts they wrote").fill("First thing.\n\nSecond <i>thing</i>.")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("2 samples added.")
    expect(page.get_by_text("Second <i>thing</i>.")).to_be_visible()
    shot("person-sam")


def active(house: House) -> int | None:
    rosa = house.people["rosa"]
    with transaction(rosa.tenant_id, read_only=True) as session:
        return users.get(session, "rosa").active_version
