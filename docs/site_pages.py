"""Pages of the site that no file holds: the navigation, which is index.md, and the Python reference.

MkDocs calls the functions whose names begin with ``on_``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1] / "anysyn"
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)]*)?\)")
ENTRY = re.compile(r"^- \[([^\]]+)\]\(([^)#]+\.md)\)")


def on_config(config: Any) -> Any:
    """Make the navigation of the lists of index.md, and put the Python reference at its end."""
    text = Path(config["docs_dir"], "index.md").read_text(encoding="utf-8")
    config["nav"] = [{"Documentation": "index.md"}, *sections(text), {"Python": [*map(page_of, rooms())]}]
    return config


def sections(text: str) -> list[dict[str, list[dict[str, str]]]]:
    r"""Return the headings of a page, each with the pages that its list links.

    Example:
        >>> sections("## Guide\n- [Start](guide/start.md): install.\n- [Away](../README.md)")
        [{'Guide': [{'Start': 'guide/start.md'}]}]
    """
    found: list[dict[str, list[dict[str, str]]]] = []
    for line in text.splitlines():
        if line.startswith("## "):
            found.append({line[3:]: []})
        elif found and (entry := ENTRY.match(line)) and not entry[2].startswith(".."):
            next(iter(found[-1].values())).append({entry[1]: entry[2]})
    return [section for section in found if any(section.values())]


def rooms() -> list[str]:
    """Return the modules and packages of anysyn, each a page of the reference."""
    return sorted(path.stem for path in PACKAGE.iterdir() if public(path))


def public(path: Path) -> bool:
    """Return whether a path is a module of code, or a package with one in it."""
    return (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()


def page_of(room: str) -> str:
    """Return the address of a page of the Python reference."""
    return f"python/{room}.md"


def modules(room: str) -> Iterator[str]:
    """Yield the dotted names of the modules of a page."""
    path = PACKAGE / room
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    for file in files:
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of the Python reference."""
    from mkdocs.structure.files import File

    for room in rooms():
        content = f"# anysyn.{room}\n\n" + "\n".join(f"::: {module}" for module in modules(room)) + "\n"
        files.append(File.generated(config, page_of(room), content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Write links that leave the site, to files of the repository, as the paths of these files."""
    return inside(markdown, page.file.src_uri)


def inside(markdown: str, page: str) -> str:
    """Replace links to files that are not of the site by their text and path.

    Args:
        markdown: The text of a page.
        page: Its path below docs.

    Example:
        >>> inside("[recipe](../../recipes/a.yaml), [b](b.md#c)", "guide/train.md")
        'recipe (`recipes/a.yaml`), [b](b.md#c)'
    """

    def written(link: re.Match[str]) -> str:
        image, text, address, _ = link.groups()
        if "://" in address or address.startswith("mailto:"):
            return link[0]
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), address))
        of_site = path.startswith("docs/") and path.endswith((".md", ".png"))
        if image or of_site:
            return link[0]
        shown = text.strip("`")
        return f"`{path}`" if shown in (path, posixpath.basename(path)) else f"{text} (`{path}`)"

    return LINK.sub(written, markdown)
