"""Peak memory beyond the data, each contestant in a fresh process.

Run as a program, it is that process: it loads the points, warms up on a few of them, and prints
how far one piece of work raises the peak of its resident memory.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from benchmarks.cases import PassCase, Shape, pass_case, pass_mixture, shape_name
from benchmarks.measure import Memory, Results
from benchmarks.peers import Peer, by_label
from benchmarks.peers.base import EM_ITERATION, LOG_DENSITY
from benchmarks.threads import limited

WARM_UP = 1000  # points

Log = Callable[[str], None]


def run_memory(shapes: Iterable[Shape], peers: list[Peer], log: Log) -> Results:
    """Measure the peak of one EM iteration, or of a log density where there is no EM."""
    results = Results()
    with tempfile.TemporaryDirectory() as folder:
        for shape in shapes:
            path = Path(folder) / "points.npy"
            case = pass_case(shape)
            np.save(path, case.points)
            for peer in peers:
                offered = peer.calls(case)
                if not offered:
                    continue
                quantity = EM_ITERATION if EM_ITERATION in offered else LOG_DENSITY
                log(f"{case.name}: memory, {peer.label}")
                megabytes = _in_fresh_process(peer.label, quantity, shape, path)
                results.memory.append(Memory(case.name, quantity, peer.label, megabytes))
    return results


def _in_fresh_process(label: str, quantity: str, shape: Shape, path: Path) -> float:
    _, nvars, ngauss = shape
    command = [sys.executable, "-m", "benchmarks.memory", label, quantity, str(path), str(nvars)]
    done = subprocess.run([*command, str(ngauss)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"measuring the memory of {label} at {shape_name(shape)} failed:\n{done.stderr}"
        )
    return float(done.stdout.split()[-1])


def peak_bytes() -> int:
    """Peak resident memory of this process, since `reset_peak` where the system can reset it.

    From /proc where there is one: the figure of `getrusage` starts at that of the parent process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def reset_peak() -> None:
    """Let the peak start again from what is resident now, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def megabytes_of(label: str, quantity: str, path: Path, nvars: int, ngauss: int) -> float:
    """Rise of the peak by one piece of work, in MB (1e6 bytes), warmed up on a few points."""
    points = np.load(path)
    mixture = pass_mixture(nvars, ngauss)
    peer = by_label(label)
    few = points[:WARM_UP].copy()
    peer.calls(PassCase((len(few), nvars, ngauss), few, mixture))[quantity].run()
    call = peer.calls(PassCase((len(points), nvars, ngauss), points, mixture))[quantity]
    reset_peak()
    before = peak_bytes()
    with limited(peer.threads):
        call.run()
    return (peak_bytes() - before) / 1e6


def main() -> None:
    """Print the rise of the peak for the contestant and data on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("label", help="contestant, as the tables show it")
    parser.add_argument("quantity", help="what it does, as the tables show it")
    parser.add_argument("path", type=Path, help=".npy file with the points")
    parser.add_argument("nvars", type=int, help="variables")
    parser.add_argument("ngauss", type=int, help="components")
    print(megabytes_of(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
