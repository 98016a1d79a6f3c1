"""One step of adaptation: 1.7 s of speech through the network, forward and back."""

import time

import numpy as np

from app.assets.store import AssetStore
from app.core.config import Settings

_REPEATS = 6
_THREADS = 2


def main() -> None:
    """Print the best time of a step for both kinds of numbers that convolutions can use."""
    import torch

    from app.engines.kokoro.adaptation.network import Network
    from app.engines.kokoro.adaptation.objective import WINDOW

    torch.set_num_threads(_THREADS)
    path = AssetStore(Settings().models).path("kokoro-int8")
    times = {}
    for dtype in (torch.float32, torch.bfloat16):
        network = Network(path, threads=_THREADS, dtype=dtype)
        style = (0.15 * torch.randn(1, 128)).requires_grad_(True)
        biases = {name: bias.clone().requires_grad_(True) for name, bias in network.biases.items()}
        _, ten = network.encode(list(range(20, 60)))
        phonemes = torch.arange(WINDOW) * ten.shape[2] // WINDOW
        f0, energy = torch.full((1, 2 * WINDOW), 150.0), torch.zeros(1, 2 * WINDOW)
        took = []
        for _ in range(_REPEATS):
            start = time.perf_counter()
            speech = network.decode(ten[:, :, phonemes], f0, energy, style, biases)
            speech.square().mean().backward()
            took.append(time.perf_counter() - start)
        times[str(dtype).removeprefix("torch.")] = float(np.min(took))
    for name, seconds in times.items():
        print(f"{name:>9} {seconds:6.2f} s")
    print(f"{'ratio':>9} {times['float32'] / times['bfloat16']:6.2f}")
