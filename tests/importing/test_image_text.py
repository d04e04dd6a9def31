"""BiomedCLIP's and MedCLIP's files as folders for parts: the same embeddings, and nothing unsafe is opened."""

import json

import open_clip
import pytest
import safetensors.torch
import torch
from checkpoints import write_open_checkpoint
from transformers import BertConfig, BertModel, BertTokenizer
from typer.testing import CliRunner

from anysyn import build
from anysyn.cli import app
from anysyn.errors import UserError
from anysyn.importing import import_medclip, import_open_clip
from anysyn.registry import build as build_part

NAMES = ("T1w", "T2w")
TEXTS = ["a T1-weighted image", "t2"]
SIZES = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}


def pickled(folder):
    """Write a checkpoint as BiomedCLIP was published: open_clip's configuration, and a pickle."""
    write_open_checkpoint(folder)
    weights = safetensors.torch.load_file(folder / "open_clip_model.safetensors")
    (folder / "open_clip_model.safetensors").unlink()
    torch.save(weights, folder / "open_clip_pytorch_model.bin")
    return weights


def test_a_pickled_checkpoint_of_open_clip_becomes_a_folder_that_the_part_reads(tmp_path):
    weights = pickled(tmp_path / "published")
    answer = CliRunner().invoke(
        app, ["import", "biomedclip", str(tmp_path / "published"), "--out", str(tmp_path / "made")]
    )
    assert answer.exit_code == 0, answer.output
    assert f"parts.clip={{name: open_clip, checkpoint: {tmp_path / 'made'}}}" in answer.output
    part = build_part("part", {"name": "open_clip", "checkpoint": str(tmp_path / "made")}, names=NAMES)
    theirs = open_clip.CLIP(**json.loads((tmp_path / "published" / "open_clip_config.json").read_text())["model_cfg"])
    theirs.load_state_dict(weights)
    tokens = open_clip.get_tokenizer(f"local-dir:{tmp_path / 'made'}")(TEXTS)
    torch.testing.assert_close(part.encode_text(TEXTS), theirs.eval().encode_text(tokens), rtol=1e-4, atol=1e-5)


class Bert(torch.nn.Module):
    """MedCLIP's text side as it is released: names and pooling, for one text."""

    def __init__(self, config):
        super().__init__()
        self.text_model = torch.nn.Module()
        self.text_model.model = BertModel(config)
        self.text_model.projection_head = torch.nn.Linear(16, 8, bias=False)
        self.vision_model = torch.nn.Module()
        self.vision_model.projection_head = torch.nn.Linear(4, 8, bias=False)
        self.logit_scale = torch.nn.Parameter(torch.tensor(2.5))

    def embedded(self, tokens):
        answers = self.text_model.model(**tokens, output_hidden_states=True)["hidden_states"]
        pooled = sum(answers[layer].mean(1) for layer in (1, 2, 3)) / 3
        return self.text_model.projection_head(pooled)


@pytest.fixture
def medical(tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "t", "##1", "##2", "-", "weighted", "image", "of"]
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words))
    BertConfig(vocab_size=len(words), max_position_embeddings=200, **SIZES).save_pretrained(folder)
    torch.manual_seed(0)
    model = Bert(BertConfig.from_pretrained(folder)).eval()
    weights = {**model.state_dict(), "text_model.model.embeddings.position_ids": torch.arange(200)[None]}
    torch.save(weights, tmp_path / "pytorch_model.bin")
    return tmp_path, model, weights


def test_medclip_embeds_as_released(medical):
    folder, model, _ = medical
    asked = ["import", "medclip", str(folder), "--bert", str(folder / "bert"), "--out", str(folder / "made")]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    assert "note: 1 tensors of the image tower are left" in answer.output
    part = build_part("part", {"name": "medclip", "checkpoint": str(folder / "made")}, names=NAMES).eval()
    words = BertTokenizer(vocab=str(folder / "bert" / "vocab.txt"))
    expected = torch.cat([model.embedded(dict(words(text, return_tensors="pt"))) for text in TEXTS])
    torch.testing.assert_close(part.encode_text(TEXTS), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(expected[0], expected[1], atol=1e-3)
    assert part.scale().item() == pytest.approx(torch.tensor(2.5).exp().item(), rel=1e-6)


def test_a_recipe_names_it_as_its_text_tower(medical):
    folder = medical[0]
    import_medclip(folder, bert=folder / "bert", out=folder / "made")
    change = f"parts.clip={{name: medclip, checkpoint: {folder / 'made'}}}"
    recipe = build.load("small/tumsyn", [change, "stages.0.epochs=0", "stages.2.epochs=0"])
    assert build.parts(recipe)["synthesizer"].conditioners[0].reads.width == 8


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop("text_model.projection_head.weight"), "is no MedCLIP"),
        (lambda w: w.update({"text_model.projection_head.bias": torch.ones(8)}), "before its release"),
        (lambda w: w.pop("text_model.model.encoder.layer.2.output.dense.bias"), "encoder.layer.2.output.dense.bias"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_no_folder(medical, change, said):
    folder, _, weights = medical
    change(weights)
    torch.save(weights, folder / "pytorch_model.bin")
    asked = ["import", "medclip", str(folder), "--bert", str(folder / "bert"), "--out", str(folder / "made")]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 1
    assert len(answer.output.splitlines()) == 1, answer.output
    assert said in answer.output
    assert not list((folder / "made").glob("*.safetensors"))


def test_without_the_vocabulary_the_option_is_named(medical):
    with pytest.raises(UserError, match=r"has no config.json and vocab.txt of the BERT, .* --bert"):
        import_medclip(medical[0], out=medical[0] / "made")


class Harm:
    def __reduce__(self):
        return print, ("code of the file ran",)


def test_pickles_that_run_code_are_refused(medical, capsys):
    folder = medical[0]
    write_open_checkpoint(folder / "open")
    (folder / "open" / "open_clip_model.safetensors").unlink()
    for path in (folder / "pytorch_model.bin", folder / "open" / "open_clip_pytorch_model.bin"):
        torch.save({"text_model.projection_head.weight": Harm()}, path)
    with pytest.raises(UserError, match="could run any code"):
        import_medclip(folder, bert=folder / "bert", out=folder / "made")
    with pytest.raises(UserError, match="could run any code"):
        import_open_clip(folder / "open", out=folder / "made")
    assert "code of the file ran" not in capsys.readouterr().out
