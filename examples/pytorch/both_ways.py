"""Weights in both directions: trained here and run by PyTorch; trained by PyTorch and run here. Logits must agree."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from model import Transformer

P, WIDTH, HIDDEN = 13, 16, 32
TOLERANCE = 1e-5
ROOT = Path(__file__).parents[2]
OUT = Path(__file__).parent / "out"
OUT.mkdir(exist_ok=True)

# Every pair as write-up 1 has it: [a, b, 0].
rows = torch.cartesian_prod(torch.arange(P), torch.arange(P), torch.zeros(1, dtype=torch.long))
answers = (rows[:, 0] + rows[:, 1]) % P
np.savetxt(OUT / "rows.csv", rows.numpy(), fmt="%d", delimiter=",")


def grok(*arguments):
    """The command of this project, `npm run grok -- …`."""
    subprocess.run(["node", ROOT / "scripts" / "grok.mjs", *map(str, arguments)], check=True)


def predicted(checkpoint, *words):
    """The logits that this project computes for all rows."""
    grok("predict", checkpoint, "--tokens", OUT / "rows.csv", "--out", OUT / "logits.csv", *words)
    return np.loadtxt(OUT / "logits.csv", delimiter=",")


def compare(what, model, logits):
    """Prints how far the logits are from PyTorch's, relative to the largest; fails where that is too far."""
    with torch.no_grad():
        expected = model.eval()(rows)[:, -1].numpy()
    difference = np.abs(logits - expected).max() / np.abs(expected).max()
    print(f"{what}: largest difference of a logit {difference:.1e}", flush=True)
    if not difference < TOLERANCE:
        sys.exit(f"expected less than {TOLERANCE}")


def to_pytorch(mask):
    """Trains here, loads into PyTorch's class. Whatever the mask: the file holds the matrix that is added."""
    run = OUT / mask
    sizes = ["--p", P, "--d-model", WIDTH, "--d-ff", HIDDEN]
    training = ["--train-fraction", 0.5, "--steps", 20, "--seed", 1, "--mask", mask]
    grok("train", "--preset", "decoder", *sizes, *training, "--out", run, "--overwrite", "--quiet")
    tensors = load_file(run / "checkpoint.safetensors")
    state = {name: tensor for name, tensor in tensors.items() if not name.startswith("optim.")}
    model = Transformer(P, width=WIDTH, hidden=HIDDEN)
    print(f"mask {mask}: {model.load_state_dict(state, strict=True)}")
    compare("trained here, run by PyTorch", model, predicted(run / "checkpoint.safetensors"))


def from_pytorch():
    """Trains in PyTorch, saves the state_dict, reads it here."""
    torch.manual_seed(0)
    model = Transformer(P, width=WIDTH, hidden=HIDDEN)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, betas=(0.9, 0.98), weight_decay=1e-2)
    losses = []
    for _ in range(20):
        loss = torch.nn.functional.cross_entropy(model(rows)[:, -1], answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"PyTorch: loss {losses[0]:.2f} to {losses[-1]:.2f}")
    save_file(model.state_dict(), OUT / "pytorch.safetensors")
    words = ["--model", "decoder", "--heads", 4, "--mask", "additive"]
    compare("trained by PyTorch, run here", model, predicted(OUT / "pytorch.safetensors", *words))


for mask in ["additive", "causal", "none"]:
    to_pytorch(mask)
from_pytorch()
