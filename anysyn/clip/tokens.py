"""From texts to tokens, never cut short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from anysyn.acquisition import prompts
from anysyn.clip.byte_pairs import BytePairs
from anysyn.errors import UserError

MOST_HELD = 20_000  # texts whose tokens are kept: a few megabytes


def refuse_long(texts: Sequence[str], most: int, count: Callable[[str], int]) -> None:
    """Refuse texts that a model could only read in part.

    Args:
        texts: The texts.
        most: How many tokens the model takes.
        count: Counts the tokens of a text, the marks of its beginning and end included.

    Raises:
        UserError: For the first text that is too long; of a prompt it names the field that is.

    Example:
        >>> refuse_long(["a T1-weighted image"], most=8, count=lambda text: 9)
        Traceback (most recent call last):
        anysyn.errors.UserError: 'a T1-weighted image' has 9 tokens and the text tower takes 8; shorten the text
    """
    for text in texts:
        length = count(text)
        if length > most:
            remedy = _remedy(text, lambda word: count(word) - count(""))
            raise UserError(f"{text!r} has {length} tokens and the text tower takes {most}; {remedy}")


def _remedy(text: str, count: Callable[[str], int]) -> str:
    try:
        found = prompts.slots(text)
    except UserError:
        return "shorten the text"
    usual = prompts.slots(prompts.USUAL[prompts.family(found["modality"])])
    beyond = {field: count(word) - count(usual[field]) for field, word in found.items()}
    longest = max(beyond, key=lambda field: beyond[field])
    if beyond[longest] <= 0:
        return "give the text tower more tokens"
    name, tokens = longest.partition(".")[0], count(found[longest])
    return f"{name} has {tokens} tokens ({found[longest]!r}); shorten it, or give the text tower more tokens"


class CheckpointTokens:
    """Tokenize as a checkpoint of transformers does, every text padded to the length of the text tower.

    Args:
        tokenizer: What ``AutoTokenizer.from_pretrained`` returned.
        most: Tokens that the text tower takes.
    """

    def __init__(self, *, tokenizer: Any, most: int) -> None:
        self.tokenizer, self.most = tokenizer, min(most, tokenizer.model_max_length)

    def __call__(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        """Return rows of equal length by the names under which the model takes them."""
        refuse_long(texts, self.most, lambda text: len(self.tokenizer(text)["input_ids"]))
        return dict(self.tokenizer(list(texts), padding="max_length", max_length=self.most))


class ClipTokens:
    """Tokenize by CLIP's byte pairs; the vocabulary comes with anysyn, so nothing is downloaded.

    Args:
        most: Most tokens of a row. Rows are as long as the longest of them; shorter ones are followed by zeros, which a
            causal text tower never looks at.
        digits: Before the point of every number, filled up by zeros (`anysyn.acquisition.prompts.padded`); None for
            numbers as they are written.

    Example:
        >>> first, second = ClipTokens(most=6)(["T1", "T"])["input_ids"]
        >>> first  # the mark of the beginning, "t", "1", the mark of the end
        [49406, 339, 272, 49407]
        >>> second[-1]  # padding
        0
    """

    def __init__(self, *, most: int, digits: int | None = None) -> None:
        self.tokenizer, self.most, self.digits = BytePairs(), most, digits
        self.vocabulary, self.begin, self.end = self.tokenizer.size, self.tokenizer.begin, self.tokenizer.end
        self._marked = lru_cache(MOST_HELD)(self._encoded)  # a training asks for the same prompts again and again

    def __call__(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        """Return rows of equal length."""
        refuse_long(texts, self.most, lambda text: len(self._marked(text)))
        rows = [self._marked(text) for text in texts]
        longest = max(map(len, rows), default=0)
        return {"input_ids": [row + [0] * (longest - len(row)) for row in rows]}

    def _encoded(self, text: str) -> list[int]:
        padded = text if self.digits is None else prompts.padded(text, self.digits)
        return [self.begin, *self.tokenizer.encode(padded), self.end]
