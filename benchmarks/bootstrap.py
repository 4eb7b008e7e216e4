"""Patient-bootstrap AUROC: ours beside a loop of sklearn.roc_auc_score.

Both sides draw their weights and compute the same replicates; sklearn's time per replicate is
taken from fewer of them. In use, one drawing serves all tasks and metrics.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.metrics import roc_auc_score

from cxrcore.evaluation.bootstrap import patient_weights, resample
from cxrcore.evaluation.metrics import auroc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--replicates", type=int, default=2_000)
    parser.add_argument("--peer-replicates", type=int, default=100)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    positive = rng.random(args.images) < 0.2
    scores = rng.normal(size=args.images) + positive
    subject = np.arange(args.images)

    start = time.perf_counter()
    weights = patient_weights(args.images, args.replicates, 0, "test")
    draw_time = (time.perf_counter() - start) / args.replicates
    ours = resample(lambda w: auroc(scores, positive, w), weights, subject)
    our_time = (time.perf_counter() - start) / args.replicates

    start = time.perf_counter()
    peer_weights = patient_weights(args.images, args.peer_replicates, 0, "test")
    peer = np.array([roc_auc_score(positive, scores, sample_weight=w) for w in peer_weights])
    peer_time = (time.perf_counter() - start) / args.peer_replicates

    difference = float(np.abs(ours[: args.peer_replicates] - peer).max())
    print(f"images {args.images:,}, replicates {args.replicates:,}")
    print(f"sklearn loop   {1e3 * peer_time:8.3f} ms a replicate")
    print(f"ours           {1e3 * our_time:8.3f} ms a replicate")
    print(f"  of it drawing weights {1e3 * draw_time:.3f} ms")
    print(f"ratio          {peer_time / our_time:8.1f} ×   (budget: at least 25 ×)")
    print(f"largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
