"""From texts to tokens, never cut short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anysyn.registry import UserError


def refuse_long(texts: Sequence[str], lengths: Sequence[int], most: int) -> None:
    """Refuse texts that a model could only read in part.

    Args:
        texts: The texts.
        lengths: How many tokens each has, the marks of its beginning and end included.
        most: How many the model takes.

    Raises:
        UserError: For the first text that is too long.

    Example:
        >>> refuse_long(["a T1-weighted image"], [9], most=8)
        Traceback (most recent call last):
        anysyn.registry.UserError: 'a T1-weighted image' has 9 tokens and the text tower takes 8; shorten the text
    """
    for text, length in zip(texts, lengths, strict=True):
        if length > most:
            raise UserError(f"{text!r} has {length} tokens and the text tower takes {most}; shorten the text")


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
        lengths = [len(row) for row in self.tokenizer(list(texts))["input_ids"]]
        refuse_long(texts, lengths, self.most)
        return dict(self.tokenizer(list(texts), padding="max_length", max_length=self.most))


class ClipTokens:
    """Tokenize by CLIP's byte pairs; the vocabulary comes with open_clip, so nothing is downloaded.

    Args:
        most: Tokens of a row; shorter texts are followed by zeros, which a causal text tower never looks at.

    Example:
        >>> [row] = ClipTokens(most=6)(["T1"])["input_ids"]
        >>> row  # the mark of the beginning, "t", "1", the mark of the end, padding
        [49406, 339, 272, 49407, 0, 0]
    """

    def __init__(self, *, most: int) -> None:
        from open_clip.tokenizer import SimpleTokenizer  # here, since open_clip takes seconds to import

        self.tokenizer, self.most = SimpleTokenizer(), most
        self.vocabulary: int = self.tokenizer.vocab_size
        self.begin: int = self.tokenizer.sot_token_id
        self.end: int = self.tokenizer.eot_token_id

    def __call__(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        """Return rows of equal length."""
        rows = [[self.begin, *self.tokenizer.encode(text), self.end] for text in texts]
        refuse_long(texts, [len(row) for row in rows], self.most)
        return {"input_ids": [row + [0] * (self.most - len(row)) for row in rows]}
