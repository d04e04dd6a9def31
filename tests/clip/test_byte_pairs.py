"""CLIP's byte pairs: the tokens of the published tokenizer, for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anysyn.clip.byte_pairs import BEGIN, END, BytePairs


@pytest.fixture(scope="module")
def published():
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()


def test_the_vocabulary_is_the_published_one(published):
    pairs = BytePairs()
    assert (pairs.size, pairs.begin, pairs.end) == (
        published.vocab_size,
        published.sot_token_id,
        published.eot_token_id,
    )


# Of letters that ftfy, which the published one has run first, leaves as they are.
@given(
    st.text(
        st.sampled_from("abcdeTRE0123456789 .,;:*/-+=()'&<>\n\t\u00b5\u00e9\u00df\u4e00\u3042\U0001f9e0"), max_size=60
    )
)
def test_texts_get_the_published_tokens(published, text):
    assert BytePairs().encode(text) == published.encode(text)


def test_a_text_that_spells_a_mark_is_text_and_no_mark():
    pairs = BytePairs()
    assert not {pairs.begin, pairs.end} & set(pairs.encode(f"{BEGIN} T1w {END}"))
