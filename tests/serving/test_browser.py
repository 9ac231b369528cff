"""The page in a real browser: users, somebody new, photos that are swapped; by keyboard, narrow."""

from __future__ import annotations

import base64
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from recbole_showcase.serving import Served, ServeOptions, Service, batcher, create_app
from recbole_showcase.serving.options import MAX_REVIEWS
from tests.axe import axe_or_skip, faults
from tests.photographed import painted
from tests.processes import free_port

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
axe_or_skip()
uvicorn = pytest.importorskip("uvicorn", reason="the extra 'serve' is not installed")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no Chromium with its driver: apt-get install chromium-driver"
)


@pytest.fixture(scope="module")
def address(served: Served, checkpoint: Path) -> Iterator[str]:
    service = Service(served, ServeOptions(watch=0.0, deadline=30.0), checkpoint, lambda: served)
    port = free_port()
    config = uvicorn.Config(create_app(service), port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Any, address: str) -> Iterator[Any]:
    """A browser on the empty page, 390 px wide; at the end nothing was refused or failed."""
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False},
    )
    chromium.get(address)
    yield chromium
    said = [entry["message"] for entry in chromium.get_log("browser")]
    assert said == []


def until(holds: Callable[[], Any], seconds: float = 30.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return found


def all_of(browser: Any, selector: str) -> list[Any]:
    found: list[Any] = browser.find_elements(By.CSS_SELECTOR, selector)
    return found


def tab_to(browser: Any, selector: str) -> Any:
    """Move the focus on by Tab until it is where the selector says."""
    for _ in range(80):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        found = browser.switch_to.active_element
        if browser.execute_script("return arguments[0].matches(arguments[1])", found, selector):
            return found
    raise AssertionError(f"Tab does not come to {selector}")


def check_page(browser: Any, name: str, width: int = 390) -> None:
    """Nothing keeps people out, nothing is wider than the window, and all photos are there."""
    assert faults(browser) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    loaded = "return [...document.images].every((i) => !i.complete || i.naturalWidth > 0)"
    assert browser.execute_script(loaded)
    if folder := os.environ.get("SHOWCASE_SCREENSHOTS"):
        height = browser.execute_script("return document.documentElement.scrollHeight")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        time.sleep(1)
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def test_a_user_is_found_by_keyboard(browser: Any, served: Served) -> None:
    tab_to(browser, "#user").send_keys("u1")
    options = until(lambda: all_of(browser, "#users option"))
    assert {option.get_attribute("value") for option in options} == {"u1", "u10", "u11"}
    tab_to(browser, "form.asker button:not([type])").send_keys(Keys.ENTER)
    cards = until(lambda: all_of(browser, ".card"))
    known = served.recommender.recommend(["u1"], 5)[0]
    assert [card.find_element(By.TAG_NAME, "h4").text for card in cards] == [
        shown.item_name for shown in known
    ]
    assert len(all_of(browser, ".mosaic img")) == sum(len(shown.photos) for shown in known)
    assert all_of(browser, ".known .past"), "what is known of the user"
    check_page(browser, "user")


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts say which photos they are written from, as no model does that is hardly trained."""
    write = batcher.write

    def telling(served: Served, parts: Sequence[Any], **how: Any) -> Any:
        return [
            replace(of, texts=[str(served.photo_tokens(own[own >= 0])) for own in part.photos])
            for of, part in zip(write(served, parts, **how), parts, strict=True)
        ]

    monkeypatch.setattr(batcher, "write", telling)


def test_photos_are_swapped_and_the_text_follows(
    browser: Any, address: str, served: Served, telling: None
) -> None:
    browser.get(f"{address}/?user=u1&k=1")
    (card,) = all_of(browser, ".card")
    item = card.get_attribute("data-item")
    before = [photo.id for photo in served.recommender.explain(["u1"], [item])[0].photos]
    tab_to(browser, ".swap summary").send_keys(Keys.ENTER)
    choices = until(lambda: all_of(browser, ".choices button"))
    assert len(choices) == len(served.photos_of(served.item(item)))
    pressed = [n for n, c in enumerate(choices) if c.get_attribute("aria-pressed") == "true"]
    assert len(pressed) == len(before)
    asked_before = len(requests(browser, "/v1/explain"))
    free = next(n for n in range(len(choices)) if n not in pressed)
    until(lambda: tab_to(browser, ".choices button") == choices[0])
    while browser.switch_to.active_element != choices[free]:
        ActionChains(browser).send_keys(Keys.TAB).perform()
    ActionChains(browser).send_keys(Keys.SPACE).perform()
    until(lambda: len(requests(browser, "/v1/explain")) > asked_before)
    until(lambda: not all_of(browser, ".words.busy"))
    (token,) = served.photo_tokens(served.photos_of(served.item(item))[[free]])
    shown = [
        image.get_attribute("src").partition("id=")[2] for image in all_of(browser, ".mosaic img")
    ]
    assert shown == [*before[1:], token]
    pair = {"user": "u1", "item": item, "photos": [*before[1:], token]}
    (known,) = httpx2.post(f"{address}/v1/explain", json={"pairs": [pair]}).json()["showcases"]
    said = card.find_element(By.CSS_SELECTOR, ".words p").text
    assert said == known["text"] == str([*before[1:], token])
    now = [n for n, c in enumerate(choices) if c.get_attribute("aria-pressed") == "true"]
    assert free in now and len(now) == len(before)
    check_page(browser, "swapped")


def requests(browser: Any, path: str) -> list[str]:
    """What the page has asked the service for."""
    script = "return performance.getEntriesByType('resource').map((e) => e.name)"
    return [name for name in browser.execute_script(script) if path in name]


def test_somebody_new_says_and_shows_what_they_like(
    browser: Any, served: Served, tmp_path: Path
) -> None:
    painted(2, 5).save(tmp_path / "lunch.png")
    browser.find_element(By.ID, "likes").send_keys("The salad was great.")
    browser.find_element(By.ID, "files").send_keys(str(tmp_path / "lunch.png"))
    assert until(lambda: all_of(browser, "#previews img"))[0].get_attribute("alt") == (
        "Your photo 1: lunch.png"
    )
    tab_to(browser, "#newcomer button:not([type])").send_keys(Keys.ENTER)
    cards = until(lambda: all_of(browser, ".card"))
    known = served.recommender.explain_profile(
        ["The salad was great."], [tmp_path / "lunch.png"], top_k=5
    )
    assert [card.find_element(By.TAG_NAME, "h4").text for card in cards] == [
        shown.item_name for shown in known
    ]
    assert browser.switch_to.active_element.text == "For somebody new"
    check_page(browser, "new")
    photos = [
        image.get_attribute("src").partition("id=")[2] for image in all_of(browser, ".mosaic img")
    ]
    assert photos == [photo.id for shown in known for photo in shown.photos]
    all_of(browser, ".swap summary")[0].send_keys(Keys.ENTER)
    choices = until(lambda: all_of(browser, ".choices button"))
    free = next(c for c in choices if c.get_attribute("aria-pressed") == "false")
    free.send_keys(Keys.ENTER)
    until(lambda: requests(browser, "/v1/profile"))
    until(lambda: not all_of(browser, ".words.busy"))
    assert not all_of(browser, ".words .problem")


def test_what_is_dropped_and_is_no_photo_is_said(
    chromium: Any, address: str, tmp_path: Path
) -> None:
    chromium.get(address)
    (tmp_path / "a.png").write_bytes(b"no photo")
    chromium.find_element(By.ID, "files").send_keys(str(tmp_path / "a.png"))
    chromium.find_element(By.CSS_SELECTOR, "#newcomer button:not([type])").send_keys(Keys.ENTER)
    problem = chromium.find_element(By.ID, "newcomer-problem")
    assert "photos[0] cannot be used" in until(lambda: problem.text)
    chromium.get_log("browser")  # the browser logs the answer's status


def test_the_list_of_routes(browser: Any, address: str) -> None:
    browser.get(f"{address}/docs")
    assert all_of(browser, ".route")
    check_page(browser, "docs")


_DROP = """
const [selector, name, type, base64] = arguments;
const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
const dataTransfer = new DataTransfer();
dataTransfer.items.add(new File([bytes], name, { type }));
const at = document.querySelector(selector);
return ["dragover", "drop"].map((kind) => !at.dispatchEvent(
  new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer })));
"""


def test_files_are_dropped(browser: Any, tmp_path: Path) -> None:
    """A photo is taken, another file is named, and beside the box a file does no harm."""
    painted(1, 3).save(tmp_path / "a.png")
    photo = base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    handled = [True, True]
    assert browser.execute_script(_DROP, "h1", "b.png", "image/png", photo) == handled
    assert not all_of(browser, "#previews img")
    assert browser.execute_script(_DROP, "#drop", "a.png", "image/png", photo) == handled
    assert len(until(lambda: all_of(browser, "#previews img"))) == 1
    assert browser.execute_script(_DROP, "#drop", "a.heic", "", photo) == handled
    problem = browser.find_element(By.ID, "newcomer-problem")
    assert problem.text == "a.heic is no image that this browser knows."
    assert len(all_of(browser, "#previews img")) == 1


def drop(browser: Any, selector: str, *files: Path) -> None:
    """Drag files from outside over an element, and let them go; the browser does the rest."""
    element = browser.find_element(By.CSS_SELECTOR, selector)
    to_it = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})"
    browser.execute_script(to_it, element)
    script = "const r = arguments[0].getBoundingClientRect(); return [r.x + 9, r.y + 9]"
    x, y = browser.execute_script(script, element)
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        given = {"type": kind, "x": x, "y": y, "data": data}
        browser.execute_cdp_cmd("Input.dispatchDragEvent", given)


def test_files_from_a_disk_are_taken_or_named_each(
    browser: Any, address: str, tmp_path: Path
) -> None:
    """As the browser itself does it, which would leave the page for a file beside the box."""
    for n in range(5):
        painted(2, n).save(tmp_path / f"{n}.png")
    (tmp_path / "notes.txt").write_text("soup")
    (tmp_path / "photo.unknown").write_bytes((tmp_path / "0.png").read_bytes())
    problem = browser.find_element(By.ID, "newcomer-problem")
    drop(browser, "#drop", *(tmp_path / name for name in ("notes.txt", "0.png", "photo.unknown")))
    (image,) = until(lambda: all_of(browser, "#previews img"))
    assert image.get_attribute("alt") == "Your photo 1: 0.png"
    assert "notes.txt is no image" in problem.text and "photo.unknown is no image" in problem.text
    drop(browser, "h1", tmp_path / "1.png")
    time.sleep(0.3)  # to leave the page
    assert browser.current_url.startswith(address)
    assert len(all_of(browser, "#previews img")) == 1
    drop(browser, "#drop", *(tmp_path / f"{n}.png" for n in range(1, 5)))
    until(lambda: len(all_of(browser, "#previews img")) == 4)
    assert problem.text == "4.png is left out: 4 photos are the most."


def test_too_many_lines_are_refused_with_a_word(browser: Any) -> None:
    browser.find_element(By.ID, "likes").send_keys("\n".join(["soup"] * (MAX_REVIEWS + 1)))
    browser.find_element(By.CSS_SELECTOR, "#newcomer button:not([type])").send_keys(Keys.ENTER)
    problem = browser.find_element(By.ID, "newcomer-problem")
    assert until(lambda: problem.text) == (
        f"{MAX_REVIEWS} lines are the most, and these are {MAX_REVIEWS + 1}."
    )


def test_the_last_photo_stays_with_a_word(browser: Any, address: str) -> None:
    browser.get(f"{address}/?user=u1&k=1")
    tab_to(browser, ".swap summary").send_keys(Keys.ENTER)
    until(lambda: all_of(browser, ".choices button"))
    for _ in range(3):
        pressed = all_of(browser, ".choices button[aria-pressed=true]")
        pressed[0].send_keys(Keys.SPACE)
    assert len(all_of(browser, ".choices button[aria-pressed=true]")) == 1
    note = browser.find_element(By.CSS_SELECTOR, ".swap .note").text
    assert note.startswith("A text is written from one photo at least")
    until(lambda: not all_of(browser, ".words.busy"))


def test_a_dark_and_a_wide_page(browser: Any, address: str) -> None:
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        browser.get(f"{address}/?user=u1&k=2")
        check_page(browser, "dark")
        wide = {"width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", wide)
        browser.get(f"{address}/?user=u1&k=2")
        check_page(browser, "wide", 1440)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
