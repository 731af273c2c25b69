"""The operator's door: it opens to a link once, and to nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from app.admin.pages import router
from tests.admin.conftest import OURS

OPEN = ("/admin/login", "/admin/static/")
SESSION = "idiolect_session"


def addresses() -> list[tuple[str, str]]:
    """Method and path of every page, as the application would list them."""
    return sorted(
        (method, route.path or "")
        for route in iter_route_contexts(router.routes)
        for method in route.methods or ()
        if (route.path or "").startswith("/admin")
    )


def test_there_is_no_page_without_a_login(anonymous: TestClient) -> None:
    guarded = [(method, path) for method, path in addresses() if not path.startswith(OPEN)]
    assert len(guarded) > 15
    for method, path in guarded:
        answer = anonymous.request(method, path, headers=OURS, follow_redirects=False)
        if path.endswith("/events"):
            assert answer.status_code == 401, path
        else:
            assert (answer.status_code, answer.headers.get("location")) == (303, "/admin/login"), path


def test_the_root_leads_to_the_dashboard(anonymous: TestClient) -> None:
    answer = anonymous.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin")


def test_a_part_of_a_page_that_asks_too_late_sends_the_whole_page_to_the_login(anonymous: TestClient) -> None:
    answer = anonymous.get("/admin/training", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/admin/login")


def test_looking_at_a_link_does_not_spend_it(anonymous: TestClient, link: str) -> None:
    for _ in range(2):
        assert "Open the dashboard" in anonymous.get(f"/admin/login/{link}").text
    assert log_in(anonymous, link).status_code == 303


def test_a_link_works_once(anonymous: TestClient, link: str) -> None:
    assert log_in(anonymous, link).headers["location"] == "/admin"
    anonymous.cookies.clear()
    again = log_in(anonymous, link)
    assert again.status_code == 401
    assert "This link no longer works" in again.text
    assert SESSION not in again.cookies


@pytest.mark.parametrize("pasted", ["http://127.0.0.1:8470/admin/login/{}", "  {}\n", "http://host/admin/login/{}/"])
def test_a_link_may_be_pasted(anonymous: TestClient, link: str, pasted: str) -> None:
    assert log_in(anonymous, pasted.format(link)).status_code == 303


def test_the_session_is_kept_where_no_script_and_no_other_site_reaches_it(anonymous: TestClient, link: str) -> None:
    cookie = log_in(anonymous, link).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/admin", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_over_https_the_session_is_secure(database: str, link: str) -> None:
    from app.main import create_app

    with TestClient(create_app(), base_url="https://idiolect.example") as client:
        assert "Secure" in log_in(client, link).headers["set-cookie"].split("; ")


def test_a_page_of_another_site_cannot_log_anybody_in(anonymous: TestClient, link: str) -> None:
    answer = log_in(anonymous, link, {"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert log_in(anonymous, link).status_code == 303


def test_logging_out_ends_the_session_itself(operator: TestClient, post: Callable[..., Any]) -> None:
    secret = operator.cookies[SESSION]
    assert post("/admin/logout").url.path == "/admin/login"
    operator.cookies.set(SESSION, secret, path="/admin")
    assert operator.get("/admin").url.path == "/admin/login"


def log_in(client: TestClient, link: str, headers: dict[str, str] = OURS) -> Any:
    return client.post("/admin/login", data={"link": link}, headers=headers, follow_redirects=False)
