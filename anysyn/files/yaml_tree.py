"""Plain YAML as a tree that is safe to walk: bounded in size, depth and aliases, without tags.

Recipes come from strangers, too. A file of a few lines whose aliases multiply would fill the memory, a device would
never end, and an error of the parser would print lines of a file that is no recipe. None of that happens here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.resolver import Resolver

from anysyn.errors import RecipeError, UserError
from anysyn.files import read_regular

Keys = tuple[str | int, ...]

MOST_BYTES = 500_000  # a recipe that lists the subjects of its split by key: about 40,000 of them
MOST_NODES = 100_000  # keys and values, those that aliases repeat included
MOST_DEPTH = 40
MOST_LETTERS = 100  # of a number; more are text
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TYPES = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")}


class TreeError(RecipeError):
    """A mistake in a YAML text.

    Args:
        message: What is wrong.
        line: Where, from 1; None if no line can be named.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.message, self.line = message, line

    def within(self, path: Path) -> RecipeError:
        """Return it as a mistake of a file."""
        return RecipeError(f"{path}: {self.message}" if self.line is None else f"{path}:{self.line}: {self.message}")


@dataclass
class Node:
    """A value of a YAML file.

    Args:
        line: Its line, from 1.
        value: Of a word or a number.
        text: How that was typed, if it was typed without quotes and is not text.
        items: Of a list; None for anything else.
        pairs: Key, its line and its value, of a mapping; None for anything else.
    """

    line: int
    value: Any = None
    text: str | None = None
    items: list[Node] | None = None
    pairs: list[tuple[str | int, int, Node]] | None = None


@dataclass
class Tree:
    """A YAML file as plain mappings, lists and values.

    Args:
        value: The whole.
        lines: Line of each key and value, by its path.
        texts: How each number, truth value and date was typed, by its path.
        letters: Of all words, those that aliases repeat included.
    """

    value: Any = None
    lines: dict[Keys, int] = field(default_factory=dict)
    texts: dict[Keys, str] = field(default_factory=dict)
    letters: int = 0


def read_bounded(path: Path, most: int = MOST_BYTES) -> str:
    """Read a text file that somebody else may have put there: no device, no pipe, nothing large.

    Args:
        path: The file.
        most: Bytes that it may have.

    Raises:
        RecipeError: If it is not a regular file, too large, unreadable or not UTF-8.

    Example:
        >>> import os, tempfile
        >>> fifo = Path(tempfile.mkdtemp()) / "recipe.yaml"
        >>> os.mkfifo(fifo)
        >>> try:
        ...     read_bounded(fifo)
        ... except RecipeError as error:
        ...     print(str(error).removeprefix(f"{fifo}: "))
        is not a regular file; replace it with one
    """
    try:
        return read_regular(path, most).decode("utf-8-sig")
    except UserError as error:
        raise RecipeError(str(error)) from error
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}; name a YAML file that you can read") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not readable as YAML: byte {error.start} is no UTF-8; save it as UTF-8") from None


def compose(text: str) -> Node | None:
    """Parse the one document of a YAML text; None if it is empty.

    Raises:
        TreeError: If it is not YAML, has tags or is nested too deep; the message quotes nothing of the text.

    Example:
        >>> compose("[1, !!python/name:os.system x]")
        Traceback (most recent call last):
        anysyn.files.yaml_tree.TreeError: line 1: has a tag (!...); a recipe is YAML without tags
    """
    try:
        composer = _Composer(text)
        return composer.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = f"not readable as YAML: {_unquoted(error.problem or 'cannot be parsed')}"
        raise TreeError(problem, None if mark is None else mark.line + 1) from None
    except yaml.YAMLError:
        raise TreeError("not readable as YAML: it holds characters that YAML does not allow") from None


def expand(node: Node) -> Tree:
    r"""Return a parsed document as plain values, every alias replaced by what it stands for.

    Raises:
        TreeError: If a key is there twice, or aliases multiply.

    Example:
        >>> tree = expand(compose("a: &one {b: 2024}\nc: [*one]"))
        >>> tree.value, tree.texts[("c", 0, "b")], tree.lines[("c",)]
        ({'a': {'b': 2024}, 'c': [{'b': 2024}]}, '2024', 2)
    """
    tree = Tree()
    tree.value = _expanded(node, (), tree)
    return tree


def scalar(text: str) -> Any:
    """Return the number, truth value or nothing that a word stands for, or else the word.

    Dates, and numbers that are none (``0x_``), are words.

    Example:
        >>> [scalar(word) for word in ("3", "1.5", "no", "~", "2001-01-01", "0x_", "T1w")]
        [3, 1.5, False, None, '2001-01-01', '0x_', 'T1w']
    """
    tag = _tag(text) if len(text) <= MOST_LETTERS else None
    if tag not in TYPES:
        return text
    try:
        return yaml.SafeLoader("").construct_object(yaml.ScalarNode(tag, text))
    except ValueError:
        return text


class _Composer:
    """Nodes from the events of the parser, which is not recursive; so depth is known before it does harm."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=LOADER))
        self.anchors: dict[str | None, Node | None] = {}

    def document(self) -> Node | None:
        next(self.events)  # the beginning of the stream
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        node = self.node(next(self.events), 0)
        next(self.events)  # the end of the document
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise TreeError("a second document begins here; a recipe is one", after.start_mark.line + 1)
        return node

    def node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            node = self.anchors.get(event.anchor)
            if node is None:
                raise TreeError("an alias stands for nothing above it, or for itself; write it out", line)
            return node
        if event.tag not in (None, "!"):
            raise TreeError("has a tag (!...); a recipe is YAML without tags", line)
        if depth > MOST_DEPTH:
            raise TreeError(f"is nested deeper than {MOST_DEPTH}; no recipe is", line)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        node = self.content(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def content(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            value = scalar(event.value) if event.implicit[0] else event.value
            return Node(line, value, None if isinstance(value, str) else event.value)
        children = list(self.children(depth))
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(line, items=children)
        keys = [(_key(node), node.line) for node in children[::2]]
        return Node(line, pairs=[(*key, node) for key, node in zip(keys, children[1::2], strict=True)])

    def children(self, depth: int) -> Iterator[Node]:
        for event in self.events:
            if isinstance(event, yaml.CollectionEndEvent):
                return
            yield self.node(event, depth + 1)


def _tag(text: str) -> Any:
    resolver: Any = Resolver()
    return resolver.resolve(yaml.ScalarNode, text, (True, False))


def _key(node: Node) -> str | int:
    if node.items is not None or node.pairs is not None:
        raise TreeError("a key is one word; this one is a list or a mapping", node.line)
    if type(node.value) is int and str(node.value) == node.text:
        return node.value
    return str(node.value) if node.text is None else node.text  # `no: 1` has the key "no"


def _expanded(node: Node, path: Keys, tree: Tree) -> Any:
    tree.lines.setdefault(path, node.line)
    if len(path) > MOST_DEPTH:
        raise TreeError(f"is nested deeper than {MOST_DEPTH}; no recipe is", node.line)
    if len(tree.lines) > MOST_NODES:
        raise TreeError(f"has more than {MOST_NODES:,} values, those of aliases counted; shorten it", node.line)
    tree.letters += len(node.value) if isinstance(node.value, str) else 0
    if tree.letters > MOST_BYTES:
        raise TreeError(f"has more than {MOST_BYTES:,} letters, those of aliases counted; shorten it", node.line)
    if node.text is not None and node.value is not None:
        tree.texts[path] = node.text
    if node.items is not None:
        return [_expanded(item, (*path, i), tree) for i, item in enumerate(node.items)]
    if node.pairs is None:
        return node.value
    mapping: dict[str | int, Any] = {}
    for key, line, value in node.pairs:
        if key in mapping:
            raise TreeError(f"the key {key!r} is there twice", line)
        tree.lines[*path, key] = line
        mapping[key] = _expanded(value, (*path, key), tree)
    return mapping


def _unquoted(problem: str) -> str:
    """Leave out what the parser quotes of the file; names of its tokens, ``'<...>'``, stay."""
    return re.sub(r"""(['"])(?!<)[^'"]{2,}\1""", "(...)", " ".join(problem.split()))
