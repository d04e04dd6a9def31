"""The documentation as a site: its navigation is the index, every module has a place, links lead to what is there."""

import importlib.util
import posixpath
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def site():
    spec = importlib.util.spec_from_file_location("site_pages", DOCS / "site_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation_once(site):
    nav = site.on_config({"docs_dir": str(DOCS)})["nav"]
    listed = [page for section in nav for pages in section.values() if isinstance(pages, list) for page in pages]
    paths = [path for page in listed if isinstance(page, dict) for path in page.values()]
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"index.md"}
    assert sorted(paths) == sorted(pages)


def test_every_module_is_on_one_page_of_the_python_reference(site):
    package = DOCS.parent / "anysyn"
    files = [path for path in package.rglob("*.py") if path != package / "__init__.py"]
    assert len([name for room in site.rooms() for name in site.modules(room)]) == len(files)


def test_links_out_of_the_site_become_paths_and_those_that_stay_lead_somewhere(site):
    for path in DOCS.rglob("*.md"):
        page = path.relative_to(DOCS).as_posix()
        for _, _, address, _ in site.LINK.findall(site.inside(path.read_text(encoding="utf-8"), page)):
            if "://" not in address and not address.startswith("mailto:"):
                assert (DOCS / posixpath.dirname(page) / address).resolve().is_relative_to(DOCS), (page, address)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[recipe](../../recipes/a.yaml)", "recipe (`recipes/a.yaml`)"),
        ("[`recipes/a.yaml`](../../recipes/a.yaml)", "`recipes/a.yaml`"),
        (
            "[there](https://x.org/a.py) and [here](train.md#resume)",
            "[there](https://x.org/a.py) and [here](train.md#resume)",
        ),
        ("![picture](../pictures/a.png)", "![picture](../pictures/a.png)"),
    ],
)
def test_links_of_a_page(site, text, shown):
    assert site.inside(text, "guide/synthesize.md") == shown
