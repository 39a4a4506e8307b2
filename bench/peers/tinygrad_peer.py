"""The benchmark's models in tinygrad, write-up 2's own framework, on its CPU backend: reduced by hand.

The whole step runs under TinyJit, as in the write-up. The backend compiles its kernels with clang, which has to be on
the path (or be named by CC). All train full batch from the weights and rows that the harness wrote, without validation.
"""

import math
import os
import shutil

from inputs import parse_arguments, read_inputs
from serve import serve


def gpt_reduced(Tensor, tokens, config):
    """The last position alone, keys and values once per distinct token and position."""
    heads = config["heads"]
    p = int(tokens[0, 2])  # the token "="
    a, b = Tensor(tokens[:, 0]).realize(), Tensor(tokens[:, 1] + p).realize()

    def forward(P):
        C = P["tok_embed"].shape[1]
        numbers, pos = P["tok_embed"][:p], P["pos_embed"]
        equals = P["tok_embed"][p] + pos[2]
        rows = (numbers + pos[0]).cat(numbers + pos[1], equals.unsqueeze(0))  # 2p + 1, C
        q = (equals.unsqueeze(0) @ P["q"]).reshape(heads, C // heads)
        keys, values = (rows @ P["k"]).reshape(-1, heads, C // heads), rows @ P["v"]
        scores = (keys * q).sum(-1) / math.sqrt(C // heads)  # 2p + 1, heads
        seen = Tensor.stack(scores[a], scores[b], scores[2 * p].expand(len(tokens), heads))  # 3, B, heads
        weight = seen.softmax(0).unsqueeze(-1)  # 3, B, heads, 1
        split = lambda x: x.reshape(-1, heads, C // heads)  # noqa: E731
        mixed = weight[0] * split(values[a]) + weight[1] * split(values[b]) + weight[2] * split(values[2 * p : 2 * p + 1])
        x = equals + mixed.reshape(len(tokens), C) @ P["head_out"]
        x = x + (x @ P["ff1"]).relu() @ P["ff2"]
        return x @ P["out"]

    return forward


def mlp_reduced(Tensor, tokens, config):
    """The first product as the sum of two looked-up rows."""
    a, b = Tensor(tokens[:, 0]).realize(), Tensor(tokens[:, 1] + config["modulus"]).realize()

    def forward(P):
        return (P["fc1"][a] + P["fc1"][b]).square() @ P["fc2"]

    return forward


FORWARD = {"gpt": gpt_reduced, "mlp": mlp_reduced}


def open_contender(args):
    compiler = os.environ.get("CC", "clang")
    if shutil.which(compiler) is None:
        raise RuntimeError(f"tinygrad compiles its kernels with {compiler}, which is not installed")
    # Read when tinygrad is imported.
    os.environ["DEV"] = "CPU"
    os.environ["NUM_CPU_THREADS"] = str(args.threads)
    from importlib.metadata import version

    from tinygrad import Context, Tensor, TinyJit
    from tinygrad.nn.optim import AdamW

    inputs = read_inputs(args.inputs)
    config = inputs.config
    targets = Tensor(inputs.targets).realize()
    P = {name: Tensor(array).realize().is_param_() for name, array in inputs.params.items()}
    forward = FORWARD[inputs.model](Tensor, inputs.tokens, config)
    beta1, beta2 = config["betas"]
    optimizer = AdamW(
        list(P.values()), lr=config["learningRate"], b1=beta1, b2=beta2, eps=1e-8, weight_decay=config["weightDecay"]
    )

    @TinyJit
    @Context(TRAINING=1)
    def step():
        optimizer.zero_grad()
        log_probabilities = forward(P).log_softmax(-1)
        loss = -log_probabilities.gather(1, targets.unsqueeze(1)).mean()
        loss.backward()
        return loss.realize(*optimizer.schedule_step())

    losses = [step().item() for _ in range(3)]

    def train(steps):
        for _ in range(steps):
            loss = step()
        loss.item()

    introduction = {
        "name": args.name,
        "versions": {"tinygrad": version("tinygrad")},
        "settings": {"jit": "the whole step", "compiler": compiler},
        "losses": losses,
    }
    return introduction, train


if __name__ == "__main__":
    arguments = parse_arguments()
    serve(lambda: open_contender(arguments))
