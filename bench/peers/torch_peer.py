"""The benchmark's models in PyTorch on the CPU: as written, and reduced by hand to what the loss depends on.

All train full batch with AdamW from the weights and rows that the harness wrote, without validation. Each model's
`forward` takes the weights and a dropout rate, which only the decoder has a use for.
"""

import math

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from inputs import parse_arguments, read_inputs
from serve import serve


def gpt_as_written(tokens, config, attention):
    """The write-up's own arithmetic: one-hot products, every position through everything, the last one read.

    attention: "math" runs softmax(q kᵀ / √d) v as separate operations, as the write-up's framework does, and is the
    fastest here; "default" leaves the choice to PyTorch, which takes its flash kernel on a CPU.
    """
    heads = config["heads"]
    B, T = tokens.shape
    backends = [SDPBackend.MATH] if attention == "math" else [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]

    def forward(P, dropout):
        vocabulary, C = P["tok_embed"].shape
        positions = F.one_hot(torch.arange(T), T).float().expand(B, T, T)
        x = F.one_hot(tokens, vocabulary).float() @ P["tok_embed"] + positions @ P["pos_embed"]  # B, T, C
        q, k, v = ((x @ P[n]).reshape(B, T, heads, C // heads).transpose(1, 2) for n in ("q", "k", "v"))
        with sdpa_kernel(backends):
            mixed = F.scaled_dot_product_attention(q, k, v)  # B, heads, T, C / heads
        x = x + mixed.transpose(1, 2).reshape(B, T, C) @ P["head_out"]
        x = x + F.relu(x @ P["ff1"]) @ P["ff2"]
        return (x.reshape(B * T, C) @ P["out"]).reshape(B, T, -1)[:, -1]

    return forward


def gpt_reduced(tokens, config, attention):
    """The same function by hand: the last position alone, keys and values once per distinct token and position."""
    heads = config["heads"]
    a, b = tokens[:, 0], tokens[:, 1]
    p = int(tokens[0, 2])  # the token "="

    def forward(P, dropout):
        C = P["tok_embed"].shape[1]
        numbers, pos = P["tok_embed"][:p], P["pos_embed"]
        equals = P["tok_embed"][p] + pos[2]
        rows = torch.cat([numbers + pos[0], numbers + pos[1], equals[None]])  # 2p + 1, C
        q = (equals @ P["q"]).view(heads, C // heads)
        keys, values = (rows @ P["k"]).view(-1, heads, C // heads), rows @ P["v"]
        scores = (keys * q).sum(-1) / math.sqrt(C // heads)  # 2p + 1, heads
        seen = torch.stack([scores[a], scores[b + p], scores[-1].expand(len(a), heads)])  # 3, B, heads
        weight = torch.softmax(seen, 0).repeat_interleave(C // heads, -1)  # 3, B, C
        mixed = weight[0] * values[a] + weight[1] * values[b + p] + weight[2] * values[-1]
        x = equals + mixed @ P["head_out"]
        x = x + F.relu(x @ P["ff1"]) @ P["ff2"]
        return x @ P["out"]

    return forward


def mlp_as_written(tokens, config, attention):
    """One-hot rows of both numbers side by side, one product."""
    p = config["modulus"]

    def forward(P, dropout):
        x = F.one_hot(tokens, p).float().reshape(len(tokens), 2 * p)
        return (x @ P["fc1"]).square() @ P["fc2"]

    return forward


def mlp_reduced(tokens, config, attention):
    """The first product as the sum of two looked-up rows."""
    a, b = tokens[:, 0], tokens[:, 1] + config["modulus"]

    def forward(P, dropout):
        return (P["fc1"][a] + P["fc1"][b]).square() @ P["fc2"]

    return forward


class Decoder(torch.nn.Module):
    """The write-up's model out of PyTorch's own layers, with a causal mask; named so that the weights' names fit."""

    def __init__(self, config, shape):
        super().__init__()
        vocabulary, width = shape
        layer = torch.nn.TransformerDecoderLayer(
            width, config["heads"], config["dFF"], config["dropout"], batch_first=True, norm_first=True
        )
        self.embed = torch.nn.Embedding(vocabulary, width)
        self.decoder = torch.nn.TransformerDecoder(layer, config["layers"], torch.nn.LayerNorm(width))
        self.linear = torch.nn.Linear(width, vocabulary, bias=False)
        self.register_buffer("mask", torch.nn.Transformer.generate_square_subsequent_mask(3))
        self.register_buffer("positions", sines(3, width))

    def forward(self, tokens):
        x = self.embed(tokens) + self.positions
        return self.linear(self.decoder(x, torch.zeros_like(x), self.mask))


def sines(length, width):
    """Sines and cosines of the positions, interleaved: length, width."""
    angle = torch.arange(length)[:, None] / 10_000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)


def decoder_as_written(tokens, config, attention):
    """Every position through both layers and the head, attention to the memory of zeros computed in full."""
    modules = {}

    def forward(P, dropout):
        if not modules:
            modules["decoder"] = Decoder(config, P["embed.weight"].shape)
        module = modules["decoder"].train(dropout > 0)
        return torch.func.functional_call(module, P, (tokens,))[:, -1]

    return forward


def decoder_reduced(tokens, config, attention):
    """The same function by hand: the first layer's queries, keys and values once per distinct token and position, the
    last layer at the last position alone, attention to the memory as the constant that it is, nothing that the mask hides.
    """
    heads, layers = config["heads"], config["layers"]
    B, T = tokens.shape
    # Distinct tokens of each position, one list after the other, and the rows' places in that list.
    distinct, places, start = [], [], 0
    for position in range(T):
        values, place = tokens[:, position].unique(return_inverse=True)
        distinct.append(values)
        places.append(place + start)
        start += len(values)
    of_position = torch.cat([torch.full_like(values, t) for t, values in enumerate(distinct)])
    distinct, places = torch.cat(distinct), torch.stack(places)  # distinct; T, B

    def forward(P, dropout):
        C = P["embed.weight"].shape[1]
        drop = lambda x: F.dropout(x, dropout)
        norm = lambda x, name: F.layer_norm(x, (C,), P[f"{name}.weight"], P[f"{name}.bias"])
        table = P["embed.weight"][distinct] + sines(T, C)[of_position]
        x = table[places]  # T, B, C
        for i in range(layers):
            name = f"decoder.layers.{i}"
            wanted = range(T) if i < layers - 1 else [T - 1]
            W, b = (P[f"{name}.self_attn.in_proj_{part}"] for part in ("weight", "bias"))
            if i == 0:
                rows = F.linear(norm(table, f"{name}.norm1"), W, b)  # distinct, 3 C
                q, k, v = rows[places].view(T, B, 3, heads, C // heads).unbind(2)
            else:
                z = norm(x, f"{name}.norm1")
                q = F.linear(z[wanted[0] :], W[:C], b[:C]).view(len(wanted), B, heads, C // heads)
                k, v = F.linear(z, W[C:], b[C:]).view(T, B, 2, heads, C // heads).unbind(2)
            mixed = []
            for at, position in enumerate(wanted):
                scores = (q[at if i > 0 else position] * k[: position + 1]).sum(-1) / math.sqrt(C // heads)
                weight = drop(scores.softmax(0))  # keys, B, heads
                mixed.append((weight[..., None] * v[: position + 1]).sum(0).view(B, C))
            x = x[wanted[0] :]
            out = f"{name}.self_attn.out_proj"
            x = x + drop(F.linear(torch.stack(mixed), P[f"{out}.weight"], P[f"{out}.bias"]))
            bias = P[f"{name}.multihead_attn.in_proj_bias"][2 * C :].view(heads, C // heads)
            out = f"{name}.multihead_attn.out_proj"
            by_head = torch.einsum("chd,hd->hc", P[f"{out}.weight"].view(C, heads, -1), bias)
            share = drop(torch.full((T, len(wanted), B, heads), 1 / T)).sum(0) if dropout else x.new_ones(1, 1, heads)
            x = x + drop((share @ by_head + P[f"{out}.bias"]).expand_as(x))
            hidden = F.linear(norm(x, f"{name}.norm3"), P[f"{name}.linear1.weight"], P[f"{name}.linear1.bias"])
            x = x + drop(F.linear(drop(hidden.relu()), P[f"{name}.linear2.weight"], P[f"{name}.linear2.bias"]))
        return norm(x[-1], "decoder.norm") @ P["linear.weight"].T

    return forward


FORWARD = {
    ("gpt", "as-written"): gpt_as_written,
    ("gpt", "reduced"): gpt_reduced,
    ("decoder", "as-written"): decoder_as_written,
    ("decoder", "reduced"): decoder_reduced,
    ("mlp", "as-written"): mlp_as_written,
    ("mlp", "reduced"): mlp_reduced,
}


def open_contender(args):
    torch.set_flush_denormal(True)
    torch.set_num_threads(args.threads)
    inputs = read_inputs(args.inputs)
    config = inputs.config
    tokens, targets = (torch.from_numpy(array).long() for array in (inputs.tokens, inputs.targets))
    P = {name: torch.nn.Parameter(torch.from_numpy(array)) for name, array in inputs.params.items()}
    forward = FORWARD[inputs.model, args.form](tokens, config, args.attention)

    def loss(dropout):
        log_probabilities = F.log_softmax(forward(P, dropout), dim=-1)
        # The write-up widens to float64 here; after the gather that gives the same numbers for less work.
        return -log_probabilities.gather(1, targets[:, None])[:, 0].double().mean()

    if args.compile:
        loss = torch.compile(loss, dynamic=False)
    optimizer = torch.optim.AdamW(
        P.values(),
        lr=config["learningRate"],
        betas=tuple(config["betas"]),
        eps=1e-8,
        weight_decay=config["weightDecay"],
        fused=True,
    )

    def step(dropout):
        optimizer.zero_grad(set_to_none=True)
        value = loss(dropout)
        value.backward()
        optimizer.step()
        return value

    def train(steps):
        for _ in range(steps):
            step(config.get("dropout", 0.0))

    has_attention = inputs.model == "gpt" and args.form == "as-written"
    introduction = {
        "name": args.name,
        "versions": {"torch": torch.__version__},
        "settings": {
            "compile": args.compile,
            "optimizer": "AdamW fused",
            **({"attention": args.attention} if has_attention else {}),
        },
        # Losses under dropout are each contender's own: the ones to compare come from steps without.
        "losses": [step(0.0).item() for _ in range(3)],
    }
    return introduction, train


if __name__ == "__main__":
    arguments = parse_arguments(attention=["math", "default"], compile=bool)
    serve(lambda: open_contender(arguments))
