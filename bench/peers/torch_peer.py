"""The benchmark's models in PyTorch on the CPU: as written, and reduced by hand to what the loss depends on.

All train full batch with AdamW from the weights and rows that the harness wrote, without validation.
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

    def forward(P):
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

    def forward(P):
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

    def forward(P):
        x = F.one_hot(tokens, p).float().reshape(len(tokens), 2 * p)
        return (x @ P["fc1"]).square() @ P["fc2"]

    return forward


def mlp_reduced(tokens, config, attention):
    """The first product as the sum of two looked-up rows."""
    a, b = tokens[:, 0], tokens[:, 1] + config["modulus"]

    def forward(P):
        return (P["fc1"][a] + P["fc1"][b]).square() @ P["fc2"]

    return forward


FORWARD = {
    ("gpt", "as-written"): gpt_as_written,
    ("gpt", "reduced"): gpt_reduced,
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

    def loss():
        log_probabilities = F.log_softmax(forward(P), dim=-1)
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

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        optimizer.step()
        return value

    def train(steps):
        for _ in range(steps):
            step()

    has_attention = inputs.model == "gpt" and args.form == "as-written"
    introduction = {
        "name": args.name,
        "versions": {"torch": torch.__version__},
        "settings": {
            "compile": args.compile,
            "optimizer": "AdamW fused",
            **({"attention": args.attention} if has_attention else {}),
        },
        "losses": [step().item() for _ in range(3)],
    }
    return introduction, train


if __name__ == "__main__":
    arguments = parse_arguments(attention=["math", "default"], compile=bool)
    serve(lambda: open_contender(arguments))
