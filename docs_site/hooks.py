"""What MkDocs is told beside ``mkdocs.yml``: pages that are not Markdown files of ``docs/``.

The start page is ``README.md``, tutorials are executed notebooks, and files of the repository that
pages link to become pages of their own, so that no link leads out of the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

from docs_site.navigation import as_markdown, completed, markdown_name

ROOT = Path(__file__).resolve().parents[1]
README = "index.md"
SOURCES = "source"  # the folder of the site that holds files of the repository
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)(#[^)\s]*)?(?=\))")
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".toml": "toml", ".js": "javascript", ".sh": "bash"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put pages that the navigation does not name at its end, and notebooks by their Markdown."""
    config.nav = as_markdown(completed(config.nav or [], Path(config.docs_dir)))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the start page, the tutorials, and the files of the repository that pages link to."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    files.append(File.generated(config, README, content=text))
    for file in list(files):
        if file.src_uri.endswith(".ipynb"):
            files.remove(file)
            _add_notebook(files, config, Path(str(file.abs_src_path)), file.src_uri)
    wanted: set[Path] = set()
    for file in files.documentation_pages():
        targets = (_target(file.src_uri, link) for link, _ in _LINK.findall(file.content_string))
        wanted.update(path for path in targets if path is not None)
    for path in sorted(wanted):
        _add_source(files, config, path)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to where their files are in the site."""
    here = page.file.src_uri

    def moved(match: re.Match[str]) -> str:
        path, anchor = match.group(1), match.group(2) or ""
        source = _target(here, path)
        if source is not None:
            return posixpath.relpath(_page_of(source), posixpath.dirname(here)) + anchor
        if here == README:
            path = path.removeprefix("docs/")
        return markdown_name(path) + anchor

    return markdown if here.startswith(SOURCES + "/") else _LINK.sub(moved, markdown)


def _target(page: str, link: str) -> Path | None:
    """The file of the repository that a link leads to; None if it is one of ``docs/``."""
    origin = ROOT if page == README else (ROOT / "docs" / page).parent
    path = Path(posixpath.normpath((origin / link).as_posix()))
    outside = path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "docs")
    return path if outside and path.exists() and not page.startswith(SOURCES + "/") else None


def _page_of(source: Path) -> str:
    name = source.relative_to(ROOT).as_posix()
    return f"{SOURCES}/{name}{'/index' if source.is_dir() else ''}.md"


def _add_source(files: Files, config: MkDocsConfig, source: Path) -> None:
    """Add a page of a file, or of a folder and the files in it."""
    uri, name = _page_of(source), source.relative_to(ROOT).as_posix()
    if files.get_file_from_path(uri) is not None:
        return
    if source.is_dir():
        inner = sorted(path for path in source.rglob("*") if path.suffix in _LANGUAGES)
        for path in inner:
            _add_source(files, config, path)
        names = [path.relative_to(source).as_posix() for path in inner]
        text = "\n".join(f"- [{inner}]({inner}.md)" for inner in names)
    elif source.suffix == ".md":
        text = source.read_text(encoding="utf-8")
    else:
        code = source.read_text(encoding="utf-8").rstrip("\n")
        fence = "`" * max(3, *(len(run) + 1 for run in ["", *re.findall("`+", code)]))
        text = f"{fence}{_LANGUAGES.get(source.suffix, 'text')}\n{code}\n{fence}"
    page = File.generated(config, uri, content=f"# {name}\n\n{text}\n")
    page.inclusion = InclusionLevel.NOT_IN_NAV
    files.append(page)


def _add_notebook(files: Files, config: MkDocsConfig, path: Path, uri: str) -> None:
    """Add a page of a notebook as it was executed, with the pictures of its outputs."""
    from nbconvert import MarkdownExporter

    text, resources = MarkdownExporter().from_filename(
        str(path), resources={"output_files_dir": path.stem}
    )
    files.append(File.generated(config, markdown_name(uri), content=text))
    for name, content in resources["outputs"].items():
        beside = posixpath.join(posixpath.dirname(uri), Path(name).as_posix())
        files.append(File.generated(config, beside, content=content))
