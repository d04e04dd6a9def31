"""TUMSyn's checkpoints as its code publishes them, tiny, and their networks evaluated from the published names alone.

Written from the description of the layers, with plain functions of torch and nothing of anysyn: what an imported run
is compared with.
"""

import torch
import torch.nn.functional as F

WIDTH, OUT, BLOCKS, HIDDEN = 4, 16, 2, (12, 10)
TEXT, LAYERS, CONTEXT, WORDS = 128, 2, 90, 49408
HEADS = 8


def tensors(shapes, seed):
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            found[name] = torch.tensor(7)
        elif name.endswith("running_var"):
            found[name] = 0.5 + torch.rand(shape, generator=generator)
        else:
            fan = max(1, torch.Size(shape[1:]).numel()) if len(shape) > 1 else 4
            found[name] = torch.randn(shape, generator=generator) / fan**0.5
    return found


def layer(name, *weight, bias=True):
    return {f"{name}.weight": weight, **({f"{name}.bias": weight[:1]} if bias else {})}


def network_shapes():
    cube = (3, 3, 3)
    found = layer("encoder.head.0", WIDTH, 1, *cube)
    for i in range(BLOCKS):
        for j in (0, 3):
            found |= layer(f"encoder.body.{i}.body.{j}", WIDTH, WIDTH, *cube)
            norm = f"encoder.body.{i}.body.{j + 1}"
            found |= layer(norm, WIDTH)
            found |= {f"{norm}.running_mean": (WIDTH,), f"{norm}.running_var": (WIDTH,)}
            found |= {f"{norm}.num_batches_tracked": ()}
    found |= layer(f"encoder.body.{BLOCKS}", WIDTH, WIDTH, *cube) | layer("encoder.tail.0", OUT, WIDTH, *cube)
    block = "fusion.block.0"
    found |= layer(f"{block}.norm2.body", OUT) | layer(f"{block}.norm3.body", OUT)
    found |= layer(f"{block}.c_attn.q", OUT, OUT, 1, 1, 1) | layer(f"{block}.c_attn.kv", 2 * OUT, OUT, 1, 1, 1)
    found |= layer(f"{block}.c_attn.proj", OUT, OUT, 1, 1, 1)
    found |= layer(f"{block}.text_lora.layers.0", OUT, OUT) | layer(f"{block}.text_lora.layers.2", OUT, OUT)
    found |= layer(f"{block}.mlp.project_in", 4 * OUT, OUT, 1, 1, 1, bias=False)
    found |= layer(f"{block}.mlp.dwconv", 4 * OUT, 1, *cube, bias=False)
    found |= layer(f"{block}.mlp.project_out", OUT, 2 * OUT, 1, 1, 1, bias=False)
    widths = (OUT + 3, *HIDDEN, 1)
    for i in range(len(widths) - 1):
        found |= layer(f"imnet.layers.{2 * i}", widths[i + 1], widths[i])
    return found


def clip_shapes():
    found = {"positional_embedding": (CONTEXT, TEXT), "text_projection": (TEXT, OUT), "logit_scale": ()}
    found |= {"token_embedding.weight": (WORDS, TEXT), **layer("ln_final", TEXT)}
    for i in range(LAYERS):
        block = f"transformer.resblocks.{i}"
        found |= {f"{block}.attn.in_proj_weight": (3 * TEXT, TEXT), f"{block}.attn.in_proj_bias": (3 * TEXT,)}
        found |= layer(f"{block}.attn.out_proj", TEXT, TEXT) | layer(f"{block}.ln_1", TEXT)
        found |= layer(f"{block}.mlp.c_fc", 4 * TEXT, TEXT) | layer(f"{block}.mlp.c_proj", TEXT, 4 * TEXT)
        found |= layer(f"{block}.ln_2", TEXT)
    return found | layer("visual.conv1", 2, 1, 3, 3, 3, bias=False) | layer("visual.attnpool.c_proj", OUT, 2)


def network_weights():
    weights = tensors(network_shapes(), 0)
    weights[f"imnet.layers.{2 * len(HIDDEN)}.bias"] += 4  # no answer is below 0, where a run would cut it
    return weights


def write_network(path, weights=None):
    encoder = {"name": "resencoder-256", "args": {"no_upsampling": True}}
    spec = {"name": "lccd", "args": {"encoder_spec": encoder, "no_imnet": False}}
    spec["sd_G"] = network_weights() if weights is None else weights
    torch.save({"model_G": spec, "optimizer_G": {"name": "adam", "sd_G": {"state": {}}}, "epoch": 3}, path)
    return spec["sd_G"]


def write_clip(path):
    weights = tensors(clip_shapes(), 1)
    torch.save({"epoch": 2, "global_step": 9, "model_state_dict": weights, "optimizer_state_dict": {}}, path)
    return weights


def embedded(w, tokens):
    """Embed token rows (N, L) of 90 as CLIP does, at the largest token, which is the mark of the end."""
    length = tokens.shape[1]
    x = w["token_embedding.weight"][tokens] + w["positional_embedding"][:length]
    mask = torch.full((length, length), -torch.inf).triu(1)
    for i in range(LAYERS):
        block = f"transformer.resblocks.{i}"
        y = normed(x, w, f"{block}.ln_1")
        y = F.linear(y, w[f"{block}.attn.in_proj_weight"], w[f"{block}.attn.in_proj_bias"])
        q, k, v = (part.unflatten(-1, (TEXT // 64, 64)).transpose(1, 2) for part in y.chunk(3, -1))
        weights = (q @ k.mT / 8 + mask).softmax(-1)
        x = x + linear((weights @ v).transpose(1, 2).flatten(2), w, f"{block}.attn.out_proj")
        y = linear(normed(x, w, f"{block}.ln_2"), w, f"{block}.mlp.c_fc")
        x = x + linear(y * torch.sigmoid(1.702 * y), w, f"{block}.mlp.c_proj")
    x = normed(x, w, "ln_final")
    return x[torch.arange(len(x)), tokens.argmax(-1)] @ w["text_projection"]


def answered(w, tile, embedding, size):
    """Answer a tile (1, 1, *S), at the centres of `size` voxels over it: (*size)."""
    x = start = conv(tile, w, "encoder.head.0")
    for i in range(BLOCKS):
        y = batch_normed(conv(x, w, f"encoder.body.{i}.body.0"), w, f"encoder.body.{i}.body.1").relu()
        x = x + 0.1 * batch_normed(conv(y, w, f"encoder.body.{i}.body.3"), w, f"encoder.body.{i}.body.4")
    x = conv(start + conv(x, w, f"encoder.body.{BLOCKS}"), w, "encoder.tail.0")
    x = fused(w, x, embedding)
    at = torch.stack(torch.meshgrid(*((2 * torch.arange(n) + 1) / n - 1 for n in size), indexing="ij"), -1)
    seen = F.grid_sample(x, at.flip(-1)[None], mode="bilinear", padding_mode="zeros", align_corners=False)
    rows = torch.cat([seen[0].movedim(0, -1), at], -1)
    for i in range(len(HIDDEN)):
        rows = linear(rows, w, f"imnet.layers.{2 * i}").relu()
    return linear(rows, w, f"imnet.layers.{2 * len(HIDDEN)}")[..., 0]


def fused(w, x, embedding):
    """Gate the channels by an attention whose tokens are read in memory's order, before the channels are last."""
    block = "fusion.block.0"
    text = linear(embedding, w, f"{block}.text_lora.layers.0").relu()
    text = linear(text, w, f"{block}.text_lora.layers.2")
    q = conv(text[..., None, None, None], w, f"{block}.c_attn.q", padding=0).reshape(1, 1, HEADS, -1)
    memory = conv(x, w, f"{block}.c_attn.kv", padding=0).contiguous().view(-1)
    token, head = 2 * OUT, OUT // HEADS
    keys = torch.stack([memory[n : n + OUT] for n in range(0, len(memory), token)]).reshape(-1, HEADS, head)
    values = torch.stack([memory[n + OUT : n + token] for n in range(0, len(memory), token)]).reshape(-1, HEADS, head)
    attended = []
    for h in range(HEADS):
        cosines = F.cosine_similarity(keys[:, h], q[0, :, h], dim=-1, eps=1e-12)
        attended.append(cosines.softmax(0) @ values[:, h])
    gate = conv(torch.cat(attended).reshape(1, OUT, 1, 1, 1), w, f"{block}.c_attn.proj", padding=0)
    x = over_channels(x * gate, w, f"{block}.norm2.body")
    wide = F.conv3d(x, w[f"{block}.mlp.project_in.weight"])
    a, b = F.conv3d(wide, w[f"{block}.mlp.dwconv.weight"], padding=1, groups=4 * OUT).chunk(2, 1)
    x = x + F.conv3d(F.gelu(a) * b, w[f"{block}.mlp.project_out.weight"])
    return over_channels(x, w, f"{block}.norm3.body")


def linear(x, w, name):
    return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def conv(x, w, name, padding=1):
    return F.conv3d(x, w[f"{name}.weight"], w[f"{name}.bias"], padding=padding)


def normed(x, w, name):
    return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"])


def over_channels(x, w, name):
    return normed(x.movedim(1, -1), w, name).movedim(-1, 1)


def batch_normed(x, w, name):
    mean, var = (w[f"{name}.running_{of}"] for of in ("mean", "var"))
    return F.batch_norm(x, mean, var, w[f"{name}.weight"], w[f"{name}.bias"])
