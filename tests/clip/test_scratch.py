"""A CLIP from sizes: its tokens are CLIP's, its weights follow the seed, sizes that do not fit are refused."""

import pytest
import torch
from toys import PROMPTED, clip, volume_clip

from anysyn.clip import clip_from_scratch
from anysyn.clip.tokens import ClipTokens
from anysyn.data.modalities import modalities


def test_tokens_are_those_of_open_clip():
    from open_clip.tokenizer import SimpleTokenizer

    texts = [one.prompt for one in modalities()]
    expected = SimpleTokenizer()(texts, context_length=77)
    ours = torch.tensor(ClipTokens(most=77)(texts)["input_ids"])
    assert torch.equal(ours, expected[:, : ours.shape[1]])
    assert expected[:, : ours.shape[1]].any(0).all()  # no longer than the longest
    assert not expected[:, ours.shape[1] :].any()


def test_what_follows_the_end_mark_does_not_count():
    made = clip().eval()
    rows = ClipTokens(most=60)(["T1-weighted"])["input_ids"]
    end = rows[0].index(49407)
    other = [[*rows[0][: end + 1], *([320] * (59 - end))]]
    ask = made.towers.get_text_features
    first, second = (ask(input_ids=torch.tensor(row)).pooler_output for row in (rows, other))
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("make", [clip, volume_clip])
def test_weights_follow_the_seed(make):
    first, second, third = (make(seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], third[name]) for name in first)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"side": 60}, r"patch \(8\) must divide side \(60\)"),
        ({"width": 30}, r"heads \(4\) must divide width \(30\)"),
        ({"embedding": 3}, r"embedding \(3\) must be at least the number of modalities \(4\)"),
        ({"tokens": 20, "width": 8}, "has 36 tokens and the text tower takes 20"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        clip_from_scratch(names=PROMPTED, **sizes)
