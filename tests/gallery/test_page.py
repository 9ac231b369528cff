from __future__ import annotations

import math
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.files.replace import require_writable
from recbole_showcase.gallery import page, render_gallery
from recbole_showcase.showcase import Photo, Review, Showcase, UserShowcase

REVIEW = Review("r1", "i1", "Il Forno", 4.5, 1_600_000_000, "Loved the soup.", ())
SHOWCASE = Showcase("u1", "i1", "Il Forno", "Pizza restaurant", 1, 3.25, (), "great pizza")
USER = UserShowcase("u1", (REVIEW,), (SHOWCASE,), (replace(SHOWCASE, rank=None, review=REVIEW),))
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
HOSTILE = [
    "<script>alert(1)</script>",
    "\"' onmouseover='alert(1)' x=\"",
    "javascript:alert(1)",
    "</style></title><img src=https://evil.example/x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}&lt;b&gt;",
    "🍜🇯🇵 مطعم الشام \u202eevil\u202c",
    "]]><!-- --> <?php ?>",
]


class Page(HTMLParser):
    """The parsed page: tags with attributes in order, text, and the style sheet."""

    def __init__(self, html):
        super().__init__()
        self.html, self.tags, self.text, self.style = html, [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "style" and not self.style:
            self.style = data
        else:
            self.text.append(data)

    @property
    def labels(self):
        return [a["aria-label"] for _, a in self.tags if a.get("role") == "img"]

    def classes(self, name):
        return [a for _, a in self.tags if name in a.get("class", "").split()]


@pytest.fixture
def rendered(tmp_path):
    def render(*users, title="A gallery", subtitle="BPR on demo", figures=None, **options):
        out = tmp_path / "gallery.html"
        assert (
            render_gallery(users, out, title=title, subtitle=subtitle, figures=figures, **options)
            == out
        )
        assert [path for path in tmp_path.iterdir() if "partial" in path.name] == []
        return Page(out.read_text(encoding="utf-8"))

    return render


def everywhere(text):
    """A user whose every free text is ``text``, and the page's own texts."""
    photo = Photo(text, None, 0.5)
    review = replace(REVIEW, id=text, item=text, item_name=text, text=text, photos=(photo,))
    shown = Showcase(text, text, text, text, 1, 1.0, (photo,), text, review, (text, text))
    user = UserShowcase(text, (review,), (shown,), (shown,))
    return (user,), {"title": text, "subtitle": text, "figures": {text: 0.5}}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_no_markup_and_is_shown_as_it_is(rendered, text):
    users, own = everywhere(text)
    hostile = rendered(*users, **own)
    users, own = everywhere("harmless")
    harmless = rendered(*users, **own)
    assert [(tag, list(attrs)) for tag, attrs in hostile.tags] == [
        (tag, list(attrs)) for tag, attrs in harmless.tags
    ]
    assert hostile.style == harmless.style
    assert hostile.text.count(text) == harmless.text.count("harmless") > 8
    assert sum(text in label for label in hostile.labels) == 4


def test_what_html_cannot_hold_is_replaced(rendered):
    users, own = everywhere("a\x00b\x1bc\ud83dd\x85")
    shown = rendered(*users, **own)
    assert "a\ufffdb\ufffdc\ufffdd\ufffd" in shown.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown.html)


def test_the_page_asks_for_nothing_and_runs_nothing(rendered, save_photo):
    photos = (save_photo("a.png"), save_photo("b.png", "teal"), Photo("gone", None))
    shown = rendered(replace(USER, recommended=(replace(SHOWCASE, photos=photos),)))
    for tag, attrs in shown.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
        assert not {"src", "srcset", "action", "data", "poster", "background"} & attrs.keys()
        assert not [name for name in attrs if name.startswith("on")]
        assert attrs.get("href", "#").startswith("#")
        assert "url(" not in attrs.get("style", "")
    assert "@import" not in shown.style
    assert re.findall(r"url\((.{23})", shown.style) == ["data:image/jpeg;base64,"] * 2
    assert "http:" not in shown.html and "https:" not in shown.html
    policy = next(a["content"] for _, a in shown.tags if "http-equiv" in a)
    assert "default-src 'none'" in policy and "script-src 'none'" in policy


def test_a_photo_shown_many_times_is_embedded_once(rendered, save_photo):
    photo = save_photo("a.png", relevance=0.5)
    shown = rendered(
        UserShowcase(
            "u1",
            (replace(REVIEW, photos=(photo, photo)),),
            (replace(SHOWCASE, photos=(photo,)),),
            (replace(SHOWCASE, photos=(photo,), review=replace(REVIEW, photos=(photo,))),),
        )
    )
    assert shown.html.count("data:image/") == 1
    assert len(shown.labels) == 5
    assert len(shown.classes("p0")) >= 5


def test_missing_and_corrupt_photos_get_a_labelled_placeholder(rendered, tmp_path):
    corrupt = tmp_path / "corrupt.jpg"
    corrupt.write_bytes(b"\xff\xd8\xff\xe0 broken")
    photos = (Photo("a", None), Photo("b", tmp_path / "gone.jpg"), Photo("c", corrupt))
    shown = rendered(UserShowcase("u1", (), (replace(SHOWCASE, photos=photos),), ()))
    assert shown.labels == [
        f"Selected photo {n} of 3 for Il Forno (not available)" for n in (1, 2, 3)
    ]
    assert "data:image" not in shown.html


def test_a_new_user_without_history_or_held_out_pairs(rendered):
    shown = rendered(UserShowcase("u1", (), (SHOWCASE,), ()))
    text = " ".join(shown.text)
    assert "no review of this user is known" in text
    assert "Put to the test" not in text
    assert "great pizza" in text
    assert "most others chose" not in text and "new since training" not in text


def test_what_training_did_not_know_is_said(rendered):
    shown = rendered(UserShowcase("u1", (), (replace(SHOWCASE, newcomer="both", score=None),), ()))
    text = " ".join(shown.text)
    assert "Training did not know this user: items are those that most others chose" in text
    assert "new since training" in text
    scored = rendered(UserShowcase("u1", (), (replace(SHOWCASE, newcomer="user"),), ()))
    text = " ".join(scored.text)  # by a sequential model, whom their visits are enough for
    assert "did not know this user: photos" in text and "new since training" not in text


@pytest.mark.parametrize(
    ("users", "note"),
    [
        ((), "There are no users to show."),
        ((UserShowcase("u1", (REVIEW,), (), ()),), "No item was recommended."),
        ((replace(USER, recommended=(replace(SHOWCASE, text=" "),)),), "There is no text."),
        ((USER,), "No photo was selected."),
        ((replace(USER, history=(replace(REVIEW, text=""),)),), "No text, only a rating."),
        ((replace(USER, held_out=(SHOWCASE,)),), "The review is not available."),
    ],
)
def test_what_is_empty_is_said(rendered, users, note):
    assert note in " ".join(rendered(*users).text)


def test_long_histories_and_long_reviews_are_collapsed(rendered):
    past = tuple(replace(REVIEW, item_name=f"Place {n}") for n in range(5))
    assert [t for t, _ in rendered(replace(USER, history=past[:3])).tags].count("details") == 0
    shown = rendered(replace(USER, history=past))
    assert "2 earlier reviews" in shown.text
    assert all(f"Place {n}" in shown.text for n in range(5))
    long = "soup " * 100 + "END"
    shown = rendered(replace(USER, history=(replace(REVIEW, text=long),)))
    assert [tag for tag, _ in shown.tags].count("details") == 1
    assert long in shown.text


def test_photos_both_selected_and_the_users_own_are_hits(rendered, save_photo):
    both, chosen, own = (save_photo(f"{name}.png") for name in ("both", "chosen", "own"))
    pair = replace(SHOWCASE, photos=(chosen, both), review=replace(REVIEW, photos=(own, both)))
    shown = rendered(UserShowcase("u1", (), (), (pair,)))
    assert shown.labels == [
        "Selected photo 1 of 2 for Il Forno",
        "Selected photo 2 of 2 for Il Forno, also posted by the user",
        "The user's photo 1 of 2 of Il Forno",
        "The user's photo 2 of 2 of Il Forno, also selected",
    ]
    assert [a["aria-label"] for a in shown.classes("hit")] == shown.labels[1::2]
    assert "1 of 2 selected photos posted by the user" in " ".join(shown.text)


def test_relevance_bars_are_measured_against_the_pages_greatest(rendered):
    values = (0.8, 0.2, -0.3, math.nan)
    photos = tuple(Photo(str(value), None, value) for value in values)
    low = (Photo("low", None, 0.4),)
    shown = rendered(
        UserShowcase("u1", (), (replace(SHOWCASE, photos=photos),), ()),
        UserShowcase("u2", (), (replace(SHOWCASE, photos=low),), ()),
    )
    widths = [a["style"] for _, a in shown.tags if a.get("style", "").startswith("width")]
    assert widths == [f"width:{share}%" for share in ("100.0", "25.0", "0.0", "0.0", "50.0")]


def test_photos_without_relevance_have_no_bars(rendered):
    photos = (Photo("a", None), Photo("b", None))
    shown = rendered(UserShowcase("u1", (), (replace(SHOWCASE, photos=photos),), ()))
    assert "Why these photos" not in " ".join(shown.text)


def test_what_figures_rest_on_stands_under_them(rendered):
    shown = rendered(USER, figures={"recall@10": 0.1}, figures_note="rest on <46> rows")
    assert "rest on <46> rows" in "".join(shown.text)
    assert "rest on" not in "".join(rendered(USER, figures={"recall@10": 0.1}).text)


def test_figures_stand_at_the_top_with_their_names(rendered):
    shown = rendered(USER, figures={"recall@10": 0.08123, "bleu-1": 17.2149, "odd": math.nan})
    text = [part.strip() for part in shown.text if part.strip()]
    for name, value in (("recall@10", "0.0812"), ("bleu-1", "17.21"), ("odd", "n/a")):
        assert text[text.index(name) + 1] == value
    assert "dl" not in [tag for tag, _ in rendered(USER, figures=None).tags]


def test_structure_serves_keyboard_and_screen_reader(rendered, save_photo):
    pair = replace(SHOWCASE, photos=(save_photo("a.png", relevance=1.0),), review=REVIEW)
    shown = rendered(replace(USER, recommended=(pair,), held_out=(pair,)), USER, USER)
    tags = [tag for tag, _ in shown.tags]
    assert tags.count("main") == tags.count("nav") == tags.count("h1") == 1
    levels = [int(tag[1]) for tag in tags if tag in HEADINGS]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    ids = [a["id"] for _, a in shown.tags if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for _, a in shown.tags if "href" in a}
    targets |= {a["aria-labelledby"] for _, a in shown.tags if "aria-labelledby" in a}
    assert targets <= set(ids) and {"user-1", "user-2", "user-3", "showcases"} <= targets
    for attrs in shown.classes("photo"):
        assert attrs.get("aria-label") or attrs.get("aria-hidden") == "true"


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_contrast_is_at_least_wcag_aa(rendered, scheme):
    root = re.findall(r":root \{(.*?)\}", rendered(USER).style, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", root))
    pairs = [(ink, on) for ink in ("ink", "muted", "accent") for on in ("paper", "card", "tint")]
    for ink, on in [*pairs, ("on-hit", "hit")]:
        light, dark = sorted((luminance(colours[ink]), luminance(colours[on])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{ink} on {on}"


@pytest.mark.parametrize(
    ("seconds", "day"),
    [
        (0, "1970-01-01"),
        (1_615_248_000, "2021-03-09"),
        (None, None),
        (math.nan, None),
        (1e18, None),
    ],
)
def test_day(seconds, day):
    assert page._day(seconds) == day


def test_missing_folder_is_a_clear_error(tmp_path):
    out = tmp_path / "nowhere" / "gallery.html"
    with pytest.raises(DataError, match="nowhere does not exist"):
        render_gallery([USER], out, title="", subtitle="", figures=None)
    with pytest.raises(DataError, match="is a folder"):
        render_gallery([USER], tmp_path, title="", subtitle="", figures=None)


def test_photo_side_must_be_positive(tmp_path):
    with pytest.raises(SettingsError, match="max_photo_side is 0"):
        render_gallery(
            [USER], tmp_path / "g.html", title="", subtitle="", figures=None, max_photo_side=0
        )


def test_an_existing_file_is_replaced_only_by_a_whole_one(tmp_path):
    out = tmp_path / "gallery.html"
    out.write_text("the old one")
    broken = replace(USER, held_out=(replace(SHOWCASE, text=None),))  # fails late in the page
    with pytest.raises(UndefinedError):
        render_gallery([USER] * 50 + [broken], out, title="", subtitle="", figures=None)
    assert out.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [out]
    render_gallery([USER], out, title="", subtitle="", figures=None)
    assert "great pizza" in out.read_text()
    assert list(tmp_path.iterdir()) == [out]


def test_a_failing_last_step_leaves_the_existing_file(tmp_path, monkeypatch):
    out = tmp_path / "gallery.html"
    out.write_text("the old one")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(DataError, match=r"gallery\.html: No space left"):
        render_gallery([USER], out, title="", subtitle="", figures=None)
    assert out.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(("out", "said"), [("pipe", "no file is there"), ("x" * 300, "too long")])
def test_what_cannot_be_written_is_said_before_the_work(tmp_path, out, said):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=f"cannot write .*{said}"):
        require_writable(tmp_path / out)
    with pytest.raises(DataError, match=r"cannot write /proc/a.html: "):
        require_writable(Path("/proc/a.html"))


def test_its_words_fit_whatever_is_recommended() -> None:
    """Shoes are not visited, and books have no menu."""
    root = Path(page.__file__).parents[1]
    words = re.compile(r"(?i)\b(visit|restaurant|dish|food|eat|menu|meal|tast|cook|place to)")
    for folder in ("gallery/templates", "serving/templates", "serving/static"):
        for path in sorted((root / folder).glob("*.[hj]*")):
            assert not words.search(path.read_text(encoding="utf-8")), path.name
