"""The page in a real browser: users, somebody new, photos that are swapped; by keyboard, narrow."""

from __future__ import annotations

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
    look(chromium, 390, "light")
    chromium.get(address)
    yield chromium
    said = [entry["message"] for entry in chromium.get_log("browser")]
    assert said == []


def look(browser: Any, width: int, scheme: str, height: int = 844) -> None:
    """Make the window so large, and have it prefer light or dark colours."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    preferred = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", preferred)
    found = browser.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches")
    assert found is (scheme == "dark")


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


def check_page(browser: Any, name: str) -> None:
    """Nothing keeps people out, nothing is wider than the window, and all photos are there."""
    for width, scheme in ((1440, "dark"), (390, "light")):
        look(browser, width, scheme)
        assert faults(browser) == [], (width, scheme)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        loaded = "return [...document.images].every((i) => !i.complete || i.naturalWidth > 0)"
        assert browser.execute_script(loaded)
        if folder := os.environ.get("SHOWCASE_SCREENSHOTS"):
            height = browser.execute_script("return document.documentElement.scrollHeight")
            look(browser, width, scheme, height)
            time.sleep(1)
            browser.save_screenshot(str(Path(folder) / f"{name}-{scheme}.png"))


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


def explained(address: str, user: str, item: str, photos: list[str]) -> str:
    """The text that the service gives a program that asks for these photos."""
    asked = {"pairs": [{"user": user, "item": item, "photos": photos}]}
    answer = httpx2.post(f"{address}/v1/explain", json=asked, timeout=30)
    text: str = answer.json()["showcases"][0]["text"]
    return text


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts say which photos they are written from, as no model does that is hardly trained."""
    write = batcher.write

    def telling(served: Served, parts: Sequence[Any], **how: Any) -> Any:
        written = write(served, parts, **how)
        return [
            replace(
                of, texts=[f"From {served.photo_tokens(own[own >= 0])}." for own in part.photos]
            )
            for of, part in zip(written, parts, strict=True)
        ]

    monkeypatch.setattr(batcher, "write", telling)


def choose_photo(browser: Any, place: int) -> None:
    """Go to a photo by Tab and press Space; wait for the text."""
    before = len(requests(browser, "/v1/explain"))
    tab_to(browser, f".choices button:nth-child({place + 1})")
    ActionChains(browser).send_keys(Keys.SPACE).perform()
    until(lambda: len(requests(browser, "/v1/explain")) > before)
    until(lambda: not all_of(browser, ".words.busy"))


def pressed_of(browser: Any) -> list[int]:
    choices = all_of(browser, ".choices button")
    return [n for n, c in enumerate(choices) if c.get_attribute("aria-pressed") == "true"]


def test_photos_are_swapped_and_the_text_follows(
    browser: Any, address: str, served: Served, telling: None
) -> None:
    """By keyboard alone; the text is the one that programs get for these photos."""
    browser.get(f"{address}/?user=u1&k=1")
    (card,) = all_of(browser, ".card")
    item = card.get_attribute("data-item")
    before = [photo.id for photo in served.recommender.explain(["u1"], [item])[0].photos]
    every = served.photo_tokens(served.photos_of(served.item(item)))
    tab_to(browser, ".swap summary").send_keys(Keys.ENTER)
    assert len(until(lambda: all_of(browser, ".choices button"))) == len(every)
    assert {every[n] for n in pressed_of(browser)} == set(before)
    words = card.find_element(By.CSS_SELECTOR, ".words p").text
    assert words == explained(address, "u1", item, before)
    free = next(token for token in every if token not in before)
    choose_photo(browser, every.index(free))
    swapped = [*before[1:], free]
    assert card.find_element(By.CSS_SELECTOR, ".words p").text != words
    words = card.find_element(By.CSS_SELECTOR, ".words p").text
    assert words == explained(address, "u1", item, swapped) == f"From {swapped}."
    shown = [
        image.get_attribute("src").partition("id=")[2] for image in all_of(browser, ".mosaic img")
    ]
    assert shown == swapped
    assert {every[n] for n in pressed_of(browser)} == set(swapped)
    check_page(browser, "swapped")


def test_one_photo_stays(browser: Any, address: str) -> None:
    browser.get(f"{address}/?user=u1&k=1")
    tab_to(browser, ".swap summary").send_keys(Keys.ENTER)
    until(lambda: all_of(browser, ".choices button"))
    first, *others = pressed_of(browser)
    for place in others:
        choose_photo(browser, place)
    assert pressed_of(browser) == [first]
    said = browser.find_element(By.CSS_SELECTOR, ".swap .problem")
    assert said.text == ""
    all_of(browser, ".choices button")[first].send_keys(Keys.SPACE)
    assert "one photo at least" in said.text and pressed_of(browser) == [first]


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
    head = browser.switch_to.active_element.text.split()
    assert " ".join(head) == "For somebody new ranked by what most have visited"
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


def test_what_is_dropped_is_taken_or_named(browser: Any, address: str, tmp_path: Path) -> None:
    for n in range(5):
        painted(2, n).save(tmp_path / f"{n}.png")
    (tmp_path / "notes.txt").write_text("soup")
    (tmp_path / "photo.unknown").write_bytes((tmp_path / "0.png").read_bytes())
    problem = browser.find_element(By.ID, "newcomer-problem")
    drop(browser, "#drop", *(tmp_path / name for name in ("0.png", "notes.txt", "photo.unknown")))
    (image,) = until(lambda: all_of(browser, "#previews img"))
    assert image.get_attribute("alt") == "Your photo 1: 0.png"
    assert "notes.txt is no photo" in problem.text and "photo.unknown is no photo" in problem.text
    drop(browser, "h1", tmp_path / "1.png")
    until(lambda: "into the box" in problem.text)
    assert browser.current_url.startswith(address), "a file beside the box leaves the page alone"
    assert len(all_of(browser, "#previews img")) == 1
    drop(browser, "#drop", *(tmp_path / f"{n}.png" for n in range(1, 5)))
    until(lambda: len(all_of(browser, "#previews img")) == 4)
    assert problem.text == "4.png is left out: 4 photos are the most."


def test_lines_that_are_too_many_are_left_out_and_it_is_said(browser: Any) -> None:
    browser.find_element(By.ID, "likes").send_keys("\n".join(["soup"] * 10))
    tab_to(browser, "#newcomer button:not([type])").send_keys(Keys.ENTER)
    until(lambda: all_of(browser, ".card"))
    problem = browser.find_element(By.ID, "newcomer-problem")
    assert problem.text == "The first 8 lines count; 2 more are left out."


def test_the_list_of_routes(browser: Any, address: str) -> None:
    browser.get(f"{address}/docs")
    assert all_of(browser, ".route")
    check_page(browser, "docs")
