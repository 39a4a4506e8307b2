"""Write-up 2's GPT in PyTorch on the CPU: as written, and reduced by hand to what the loss depends on.

Both train full batch with AdamW from the weights and rows that the harness wrote, without validation.
"""

import argparse
import json
import math

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch.nn.attention import SDPBackend, sdpa_kernel

from serve import serve

BLOCK = ("q", "k", "v", "head_out", "ff1", "ff2")


def read_inputs(path):
    """Tokens [B, 3], targets [B], parameters by short name, and the configuration."""
    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["config"])
        tokens, targets = file.get_tensor("tokens").long(), file.get_tensor("targets").long()
        names = {name: name for name in ("tok_embed", "pos_embed", "out")} | {n: f"blocks.0.{n}" for n in BLOCK}
        params = {short: torch.nn.Parameter(file.get_tensor(name)) for short, name in names.items()}
    return tokens, targets, params, config


def as_written(tokens, heads, attention):
    """The write-up's own arithmetic: one-hot products, every position through everything, the last one read.

    attention: "math" runs softmax(q kᵀ / √d) v as separate operations, as the write-up's framework does, and is the
    fastest here; "default" leaves the choice to PyTorch, which takes its flash kernel on a CPU.
    """
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


def reduced(tokens, heads):
    """The same function by hand: the last position alone, keys and values once per distinct token and position."""
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


def open_contender(args):
    torch.set_flush_denormal(True)
    torch.set_num_threads(args.threads)
    tokens, targets, P, config = read_inputs(args.inputs)
    heads = config["heads"]
    forward = as_written(tokens, heads, args.attention) if args.model == "as-written" else reduced(tokens, heads)

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

    introduction = {
        "name": args.name,
        "versions": {"torch": torch.__version__},
        "settings": {
            "compile": args.compile,
            "optimizer": "AdamW fused",
            **({"attention": args.attention} if args.model == "as-written" else {}),
        },
        "losses": [step().item() for _ in range(3)],
    }
    return introduction, train


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--model", choices=["as-written", "reduced"], required=True)
    parser.add_argument("--attention", choices=["math", "default"], default="math")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    serve(lambda: open_contender(arguments))
