"""The pages of groups of accounts, in two browsers at once, on a desktop and on a phone."""

from itertools import count

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page
from tests.serving.api.calls import PASSWORD
from tests.serving.browsing import phone, violations, width_of
from tests.serving.conftest import Server

numbers = count()


def sign_up(context: BrowserContext, name: str) -> Page:
    """Create an account; return a page of its session."""
    account = {"name": name, "password": PASSWORD}
    assert context.request.post("/api/v1/accounts", data=account).status == 201
    return context.new_page()


def answer_next_dialog(page: Page, *, accepts: bool) -> list[str]:
    """Accept or dismiss the next question; return a list that it is added to."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        if accepts:
            dialog.accept()
        else:
            dialog.dismiss()

    page.once("dialog", answer)
    return asked


@pytest.mark.parametrize("width", [1280, 390])
def test_a_group_is_joined_by_a_link_and_its_owner_removes_a_member(
    browser: Browser, server: Server, width: int
) -> None:
    number = next(numbers)
    owner, member = f"gina{number}", f"hugo{number}"
    contexts = [phone(browser, server, width, 844) for _ in range(2)]
    first, second = (
        sign_up(context, name) for context, name in zip(contexts, (owner, member), strict=True)
    )

    def check(page: Page) -> None:
        assert width_of(page) <= width
        assert violations(page) == []

    first.goto("/together")
    first.get_by_role("button", name="Invite people by a link").click()
    link = first.locator("#invitation input")
    link.wait_for()
    address = link.input_value()
    assert address.startswith(f"{server.address}/together/join/")
    check(first)

    second.goto(address)
    assert f"{owner} invites you" in second.locator("main").inner_text()
    check(second)
    second.get_by_role("button", name=f"Join as {member}").click()
    second.get_by_role("heading", name=f"For {owner}, {member}").wait_for()
    people = second.locator("#group-ranking .group-people").first.inner_text()
    assert owner in people
    assert member in people
    assert second.get_by_role("button", name="Remove").count() == 0
    check(second)

    first.goto("/together")
    first.get_by_role("link", name=f"{owner}, {member}").click()
    check(first)
    remove = first.get_by_role("button", name=f"Remove {member} from the group")
    asked = answer_next_dialog(first, accepts=False)
    remove.click()
    assert asked == [f"Remove {member} from this group? The invitation link ends, too."]
    answer_next_dialog(first, accepts=True)
    remove.click()
    first.get_by_text("Nobody else has joined yet").wait_for()
    assert first.get_by_role("heading", name=f"For {owner}", exact=True).count() == 1

    second.goto("/together")
    assert second.get_by_role("link", name=owner).count() == 0
    second.goto(address)
    assert "unknown or has expired" in second.locator("main").inner_text()
    check(second)

    answer_next_dialog(first, accepts=True)
    first.get_by_role("button", name=f"End the group {owner}").click()
    first.get_by_text("Invite up to four people").wait_for()
    for context in contexts:
        context.close()
