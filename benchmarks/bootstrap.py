"""Patient-bootstrap AUROC: ours beside a loop of sklearn.roc_auc_score, one thread each.

Both draw the same weights with the same function and compute the same statistic, in turn, in
rounds; the medians over the rounds are compared, without and with the drawing, which in use
serves all tasks and metrics.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from cxrcore.evaluation.bootstrap import patient_weights
from cxrcore.evaluation.metrics import auprc, auroc

PEERS = {"AUROC": (auroc, roc_auc_score), "AUPRC": (auprc, average_precision_score)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--replicates", type=int, default=500)
    parser.add_argument("--peer-replicates", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    positive = rng.random(args.images) < 0.2
    scores = rng.normal(size=args.images) + positive
    print(f"images {args.images:,}, medians of {args.rounds} rounds")
    for name, (ours, peer) in PEERS.items():
        ours(scores, positive, patient_weights(args.images, 1, 0, "test"))  # compile
        times, difference = [], 0.0
        for seed in range(args.rounds):
            start = time.perf_counter()
            weights = patient_weights(args.images, args.replicates, seed, "test")
            drawn = time.perf_counter()
            values = ours(scores, positive, weights)
            done = time.perf_counter()
            peers = [
                peer(positive, scores, sample_weight=w) for w in weights[: args.peer_replicates]
            ]
            end = time.perf_counter()
            difference = max(difference, float(np.abs(values[: len(peers)] - peers).max()))
            each = args.replicates, args.replicates, args.peer_replicates
            times.append(np.diff([start, drawn, done, end]) * 1e3 / each)
        draw, own, other = np.median(times, axis=0)
        print(
            f"{name}: sklearn loop {other:.2f} ms a replicate, ours {own:.3f}, drawing {draw:.3f}"
        )
        print(f"  ratio {other / own:.0f} ×   (budget: at least 60 ×)")
        print(f"  ratio with drawing on both sides {(other + draw) / (own + draw):.0f} ×")
        print(f"  largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
