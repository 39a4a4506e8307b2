"""Trains on with a program that JavaScript compiled: no JavaScript, no tfjs, only onnxruntime."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

out = Path(__file__).parent / "out"
session = ort.InferenceSession(out / "program.onnx")
described = json.loads(session.get_modelmeta().custom_metadata_map["optimal-grokking"])
print("precision", described["precision"], "| metrics", *described["metrics"])
print("state", *(f"{i.name}{i.shape}" for i in session.get_inputs() if i.name != "steps"))


def run(state, steps):
    """Runs steps of training: the next state, and each metric of every step."""
    inputs = {f"state.{path}": tensor for path, tensor in state.items()}
    outputs = session.run(None, {"steps": np.array(steps, np.int64), **inputs})
    named = dict(zip((o.name for o in session.get_outputs()), outputs))
    state = {name.removeprefix("next."): x for name, x in named.items() if name.startswith("next.")}
    metrics = {name.removeprefix("metrics."): x for name, x in named.items() if name.startswith("metrics.")}
    return state, metrics


expected = np.array(json.loads((out / "losses.json").read_text()))
start = {
    path: np.array(tensor["data"], np.float32).reshape(tensor["shape"])
    for path, tensor in json.loads((out / "start.json").read_text()).items()
}
state, metrics = run(start, len(expected))
difference = np.max(np.abs(metrics["loss"] - expected) / expected)
print(f"{len(expected)} steps: loss {metrics['loss'][0]:.4f} to {metrics['loss'][-1]:.4f}")
print(f"largest relative difference from JavaScript: {difference:.1e}")
state, metrics = run(state, 2000)
print(f"2000 more: loss {metrics['loss'][-1]:.4f}")
sys.exit(int(difference > 1e-5))
