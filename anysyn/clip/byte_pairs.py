"""CLIP's byte pairs: its tokenizer, from the published vocabulary that comes with anysyn."""

from __future__ import annotations

import gzip
import html
from functools import cache
from importlib.resources import files
from typing import Any

WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"  # a digit is a word of its own
BYTES = 256
BEGIN, END = "<start_of_text>", "<end_of_text>"
SIZE = 49408  # 256 bytes, the same at the end of a word, 48,894 pairs, two marks


class BytePairs:
    """Encode texts by the byte pairs of CLIP (Radford et al., ICML 2021).

    As the published tokenizer, but for two things: it repairs broken characters first (ftfy), and reads its two marks
    where a text spells them; here a text is taken as it is.

    Example:
        >>> pairs = BytePairs()
        >>> pairs.encode("T1"), pairs.size, pairs.begin, pairs.end
        ([339, 272], 49408, 49406, 49407)
    """

    def __init__(self) -> None:
        self._tokenizer = _tokenizer()
        self.size, self.begin, self.end = SIZE, SIZE - 2, SIZE - 1

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, without the marks of its beginning and end; upper case does not count."""
        plain = " ".join(html.unescape(html.unescape(text)).split()).lower()
        tokens: list[int] = self._tokenizer.encode(plain, add_special_tokens=False).ids
        return tokens


@cache
def _tokenizer() -> Any:
    """Build the tokenizer, once in a process: its file never changes."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers  # here, since not every command needs it

    symbols = sorted(pre_tokenizers.ByteLevel.alphabet(), key=_place)
    pairs = _merges()
    vocabulary = [*symbols, *(symbol + "</w>" for symbol in symbols), *map("".join, pairs), BEGIN, END]
    numbers = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.BPE(numbers, pairs, end_of_word_suffix="</w>"))
    words = pre_tokenizers.Split(Regex(WORDS), "removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    return tokenizer


def _place(symbol: str) -> tuple[bool, int]:
    """Order the symbols of bytes as CLIP numbers them: those that print as themselves, then the others."""
    return ord(symbol) >= BYTES, ord(symbol)


def _merges() -> list[tuple[str, str]]:
    packed = files("anysyn.clip").joinpath("vendor", "bpe_simple_vocab_16e6.txt.gz").read_bytes()
    lines = gzip.decompress(packed).decode("utf-8").split("\n")[1 : SIZE - 2 * BYTES - 2 + 1]
    return [(first, second) for first, second in map(str.split, lines)]
