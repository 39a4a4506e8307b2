"""Executes notebooks one after the other with nbclient and reports each step as one line of JSON on stdout.

The first line of stdin is the order: {"kernel": name, "jobs": [{"name", "source", "target", "cwd"}]}. The kernel runs in
`cwd`; `source` is only read. When stdin closes, whoever gave the order is gone or wants no more: the running kernel is
shut down and the program ends with code 130. It ends with 1 at the first failing cell.
"""

import asyncio
import hashlib
import json
import logging
import os
import sys
import threading
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

# What tslab prints where a promise that nobody awaits fails: the cell itself counts as done.
LATE_FAILURES = ("UnhandledPromiseRejection:", "UncaughtException:")


class CellFailed(Exception):
    """A cell failed; `index` counts all cells of the notebook from 0."""

    def __init__(self, index, text, died=False):
        super().__init__(text)
        self.index, self.text, self.died = index, text, died


def report(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def stderr_of(cell):
    return "".join(
        output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stderr"
    )


def tidy(notebook):
    """Removes the metadata that differs between two executions, or two editors, of the same notebook."""
    for key in set(notebook.metadata) - {"kernelspec", "language_info", "title", "authors"}:
        del notebook.metadata[key]
    for cell in notebook.cells:
        for key in ("execution", "ExecuteTime", "collapsed", "scrolled", "trusted", "vscode", "pycharm"):
            cell.metadata.pop(key, None)


def read(path):
    """Reads a notebook; a cell without an id gets a lasting one, where nbformat would draw another each time."""
    raw = json.loads(Path(path).read_text(encoding="utf-8"))
    if raw.get("nbformat") != 4:
        raise ValueError("it is not a notebook of format 4: open and save it in JupyterLab")
    raw["nbformat_minor"] = max(5, raw["nbformat_minor"])
    for index, cell in enumerate(raw["cells"]):
        cell.setdefault("id", hashlib.sha256(f"{index} {cell['source']}".encode()).hexdigest()[:8])
    return nbformat.reads(json.dumps(raw), as_version=4)


async def execute(job, kernel):
    notebook = read(job["source"])
    numbers = {}  # index among all cells -> number among the code cells that run, from 1
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if cell.source.strip():
                numbers[index] = len(numbers) + 1
    name = job["name"]
    report("notebook", name=name, cells=len(numbers))
    began = time.monotonic()
    current = 0

    def on_cell_execute(cell, cell_index):
        nonlocal current
        current = cell_index
        if cell_index in numbers:
            report("cell", name=name, cell=numbers[cell_index], of=len(numbers))

    def on_cell_executed(cell, cell_index, execute_reply):
        text = stderr_of(cell)
        late = execute_reply["content"]["status"] == "ok" and any(mark in text for mark in LATE_FAILURES)
        if late or execute_reply["content"]["status"] in ("abort", "aborted"):
            raise CellFailed(cell_index, text)

    client = NotebookClient(
        notebook,
        kernel_name=kernel,
        timeout=None,
        startup_timeout=120,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": job["cwd"]}},
        on_cell_execute=on_cell_execute,
        on_cell_executed=on_cell_executed,
        log=logging.getLogger("nbclient"),
    )
    client.shutdown_kernel = "graceful"
    try:
        await client.async_execute()
    except CellExecutionError:
        raise CellFailed(current, stderr_of(notebook.cells[current])) from None
    except DeadKernelError:
        raise CellFailed(current, stderr_of(notebook.cells[current]), died=True) from None
    except RuntimeError as error:
        raise CellFailed(current, str(error), died=True) from None
    finally:
        # nbclient leaves a kernel running that was interrupted while it started.
        if client.km is not None and await client.km.is_alive():
            await client.km.shutdown_kernel(now=True)
    tidy(notebook)
    notebook.metadata.kernelspec = {"display_name": "TypeScript", "language": "typescript", "name": kernel}
    nbformat.validate(notebook)
    Path(job["target"]).parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, job["target"])
    report("done", name=name, cells=len(numbers), seconds=time.monotonic() - began)


async def main(order):
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def wait_for_end_of_stdin():
        sys.stdin.read()
        loop.call_soon_threadsafe(task.cancel)

    threading.Thread(target=wait_for_end_of_stdin, daemon=True).start()
    for job in order["jobs"]:
        try:
            await execute(job, order["kernel"])
        except CellFailed as failure:
            report("failed", name=job["name"], index=failure.index, text=failure.text, died=failure.died)
            return 1
        except Exception as error:
            report("broken", name=job["name"], text=f"{type(error).__name__}: {error}")
            return 1
    return 0


if __name__ == "__main__":
    logging.getLogger("nbclient").setLevel(logging.CRITICAL)
    try:
        code = asyncio.run(main(json.loads(sys.stdin.readline())))
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = 130
    sys.stdout.flush()
    # Not sys.exit: the thread that waits for stdin cannot be joined.
    os._exit(code)
