"""The page of a rater in a real browser, from a disk: by keys and mouse, kept, and saved."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recbole_showcase.judging import Results, read_key, read_prompt, read_ratings, write_sheets
from tests.axe import axe_or_skip, faults
from tests.judging.stub import some_pairs

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
axe_or_skip()
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no Chromium with its driver: apt-get install chromium-driver"
)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
        options.add_argument(f"--{word}")
    options.add_experimental_option(
        "prefs", {"download.default_directory": str(tmp_path / "saved")}
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.set_capability("unhandledPromptBehavior", "accept")
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def test_a_sheet_from_a_disk(browser: Any, tmp_path: Path) -> None:
    prompt, out = read_prompt(), tmp_path / "sheets"
    result = Results("ours", Path("a"), "A", tuple(some_pairs(3)))
    criteria = prompt.chosen(["fluency", "overall"])
    write_sheets([result], prompt, criteria, out, raters=1, pairs=3)
    page = (out / "rater-1.html").as_uri()
    browser.get(page)

    def press(*keys: str) -> None:
        ActionChains(browser).send_keys(*keys).perform()

    def place() -> str:
        return str(browser.find_element(By.ID, "place").text)

    assert place() == "Text 1 of 3, 0 of 6 grades"
    shown = browser.find_elements(By.CSS_SELECTOR, ".task:not([hidden])")
    first = shown[0].get_attribute("data-task")
    assert len(shown) == 1 and "The soup was" in shown[0].text
    press("9", "4")  # 9 is not on the scale; 4 is, and overall is marked next
    press("8", "5", Keys.ENTER)
    assert place() == "Text 2 of 3, 2 of 6 grades"
    browser.find_element(By.CSS_SELECTOR, ".task:not([hidden]) input[value='2']").click()
    assert place() == "Text 2 of 3, 3 of 6 grades"
    press("n", "1")
    assert place() == "Text 3 of 3, 4 of 6 grades"
    press("1", "0")
    assert place() == "Text 3 of 3, 5 of 6 grades"
    press("1")  # 101 is above the scale
    assert place() == "Text 3 of 3, 4 of 6 grades"
    browser.get(page)  # what was given is kept
    assert place() == "Text 1 of 3, 4 of 6 grades"
    assert faults(browser) == []
    browser.find_element(By.ID, "save").click()
    saved = tmp_path / "saved" / "rater-1.csv"
    for _ in range(100):
        if saved.is_file():
            break
        time.sleep(0.05)
    key = read_key(out / "key.json")
    _, ratings = read_ratings([saved], key, prompt.criteria)
    place_of = [task.id for task in key.tasks].index(first)
    assert ratings["fluency"][0, place_of] == 4 and ratings["overall"][0, place_of] == 85
    assert sorted(ratings["fluency"][0].tolist()) == [1, 2, 4]
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
