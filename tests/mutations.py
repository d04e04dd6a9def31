"""Recipes and run folders as no one means them: mutated by a seed, and the outcome of reading them."""

import copy
import json
import random
import signal
import time
from contextlib import contextmanager

import yaml

from anysyn.errors import UserError
from anysyn.recipe.read import recipes_folder

SECONDS = 10
WORDS = [
    *(
        "",
        " ",
        "no",
        "~",
        "0x_",
        "2001-99-99",
        "2001-01-01",
        "1e3",
        "@nothing",
        "@synthesizer",
        "../../x",
        "/etc/passwd",
    ),
    *("\x1b[31mred", "x" * 400, "T1w", "a\nb", "synthesizer", "ﷺ", "1:30", "-", ".", "<<", "=", "²", "\u202e"),
]
VALUES = [
    *WORDS,
    *(None, True, False, -1, 0, 1, 2, 10**9, 10**30, -(10**30), 1.5, -0.5, 1e300, float("nan"), float("inf")),
    *([], {}, [[]], [None], [-1], [0], [1000000000], {"a": 1}, {"name": "x"}, {"name": None}, {"name": ["unet"]}),
    *({0: 1}, {"name": "unet"}, [1, "a", None], [[1], {"b": 2}], [8] * 50),
]
SNIPPETS = [
    *(
        "? [a]: 1\n",
        "? {a: 1}\n: 2\n",
        "!!int abc",
        "x: !!python/name:os.system\n",
        "&a [*a]",
        "*b",
        "\t",
        "{",
        "]",
        "'",
        '"',
    ),
    *(
        "\x00",
        "\ufeff",
        "---\n",
        "...\n",
        "%YAML 9.9\n",
        "<<: {a: 1}\n",
        "base: 5\n",
        "base: /proc/kmsg\n",
        "base: ''\n",
    ),
    *(
        "base: /etc/shadow\n",
        "base: ..\n",
        "base: [label]\n",
        "null: 1\n",
        "1: 2\n",
        "!!binary x",
        "|\n",
        ">\n",
        "@",
        "`",
    ),
]


def recipes():
    """Return the trees of the small recipes that come with anysyn."""
    paths = sorted(path for path in (recipes_folder() / "small").rglob("*.yaml"))
    return [(path.stem, yaml.safe_load(path.read_text(encoding="utf-8"))) for path in paths]


def places(tree, path=()):
    """List the path of every value of a tree."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [at for key, value in inner for at in [(*path, key), *places(value, (*path, key))]]


def reach(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def mutated_tree(tree, draw):
    """Return a copy with a value replaced, a key lost or renamed, an item doubled, or two values exchanged."""
    tree = copy.deepcopy(tree)
    path = draw.choice(places(tree))
    within, key = reach(tree, path[:-1]), path[-1]
    kind = draw.choice(["replace"] * 4 + ["lose", "rename", "double", "exchange"])
    if kind == "replace":
        within[key] = copy.deepcopy(draw.choice(VALUES))
    elif kind == "lose":
        del within[key]
    elif kind == "rename" and isinstance(within, dict):
        within[draw.choice([word for word in WORDS if word] + [0, None, True, 1.5])] = within.pop(key)
    elif kind == "double" and isinstance(within, list):
        within.append(copy.deepcopy(within[key]))
    else:
        other = draw.choice(places(tree))
        within[key] = copy.deepcopy(reach(tree, other))
    return tree


def mutated_text(text, draw):
    """Return a text with a snippet put in, a part cut out, or a letter changed."""
    at = draw.randrange(len(text))
    lines = [0, *(i + 1 for i, letter in enumerate(text) if letter == "\n")]
    kind = draw.choice(["snippet", "line", "cut", "letter"])
    if kind == "snippet":
        return text[:at] + draw.choice(SNIPPETS) + text[at:]
    if kind == "line":
        at = draw.choice(lines)
        return text[:at] + draw.choice(SNIPPETS) + "\n" + text[at:]
    if kind == "cut":
        return text[:at] + text[at + draw.randrange(60) :] if draw.random() < 0.7 else text[:at]
    return text[:at] + draw.choice("\x00\x07 :[]{}#&*!|>'\"%@`-?,0\n\té") + text[at + 1 :]


def mutated_override(tree, draw):
    """Return an override of any place with any value."""
    path = [str(key) for key in draw.choice(places(tree))]
    if draw.random() < 0.3:
        path[draw.randrange(len(path))] = draw.choice(["", "-1", "99", "²", "name", "x", "0", "1.5"])
    value = draw.choice([*WORDS, *SNIPPETS, "[]", "{}", "-1", "0", "1e30", "[-1]", "null", "[no, 2024]", "{a: {b: 1}}"])
    return f"{'.'.join(path)}={value}"


class TooLongError(BaseException):
    """No Exception, so that nothing takes it for a mistake of the recipe."""


@contextmanager
def limited(seconds=SECONDS):
    """Raise TooLongError in what takes longer."""

    def stop(*_):
        raise TooLongError(f"longer than {seconds} s")

    before = {number: signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, seconds)  # of this process, since others may keep the computer busy
    signal.setitimer(signal.ITIMER_REAL, 20 * seconds)  # what waits for a pipe takes no time of its own
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def outcome(call):
    """Call; return None if it answers or says in lines what is wrong, else what went wrong."""
    begin = time.process_time()
    try:
        with limited():
            call()
    except UserError as error:
        lines = str(error).splitlines()
        if not lines or not all(line.strip() for line in lines):
            return f"says nothing: {str(error)!r}"
    except OSError as error:
        if not error.filename:
            return f"names no file: {error!r}"
    except (Exception, TooLongError) as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    took = time.process_time() - begin
    return f"took {took:.0f} s" if took > SECONDS else None


def draw_of(seed):
    return random.Random(seed)


def damaged(path, draw):
    """Damage a file as disks, editors and strangers do."""
    kind = draw.choice(["empty", "cut", "text", "binary", "gone", "folder", "flip", "json", "json", "json"])
    if kind in ("gone", "folder"):
        path.unlink()
        if kind == "folder":
            path.mkdir()
        return
    data = bytearray(path.read_bytes())
    at = draw.randrange(max(1, len(data)))
    if kind == "json" and path.suffix in (".json", ".yaml"):
        tree = yaml.safe_load(bytes(data))
        tree = mutated_tree(tree, draw) if places(tree) and draw.random() < 0.7 else draw.choice(VALUES)
        write = json.dumps if path.suffix == ".json" else yaml.safe_dump
        path.write_text(write(tree), encoding="utf-8")
    elif kind == "text" or kind == "json":
        path.write_text(draw.choice([*WORDS, "a,b,c\n1,2,3\n", "null", "[]", "{}", '{"a": 1}']), encoding="utf-8")
    elif kind == "binary":
        path.write_bytes(draw.randbytes(200))
    else:
        data[at : len(data) if kind == "cut" else at + 1] = b"" if kind == "cut" else draw.randbytes(1)
        path.write_bytes(b"" if kind == "empty" else bytes(data))
