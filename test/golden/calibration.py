"""Reliability and intervals of shares: python test/golden/calibration.py (scikit-learn, scipy)."""

import golden
import numpy as np
import scipy
import sklearn
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve

rng = np.random.default_rng(11)
BINS = 15


def reliability(name, probabilities, right):
    """Probabilities of answers [n] and whether they were right [n]; bins as scikit-learn's `uniform`."""
    p, r = np.round(probabilities, 6), right.astype(int)
    share, confidence = calibration_curve(r, p, n_bins=BINS)
    ids = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], p)
    counts = np.bincount(ids, minlength=BINS)
    filled = counts[counts > 0]
    error = float(np.sum(filled / len(p) * np.abs(share - confidence)))
    return {
        "name": name,
        "probabilities": p.tolist(),
        "right": r.tolist(),
        "counts": counts.tolist(),
        "share": share.tolist(),
        "confidence": confidence.tolist(),
        "error": error,
        "excess": float(p.mean() - r.mean()),
    }


sure = np.clip(rng.beta(8, 2, 120), 0, 1)
shares = [(0, 1), (1, 1), (0, 7), (7, 7), (8, 11), (146, 185), (316, 320), (1, 50000), (25000, 50000)]
golden.write(
    "calibration",
    {
        "reliability": [
            reliability("too sure", sure, rng.random(120) < sure - 0.2),
            reliability("as sure as right", sure, rng.random(120) < sure),
            reliability("not sure enough", sure * 0.6, rng.random(120) < sure),
            reliability("at the edges", np.array([0.2, 0.4, 1 / 3, 2 / 3, 0.6, 0.8, 1, 1, 1e-6]), np.arange(9) % 2 == 0),
        ],
        "wilson": [
            {"count": k, "total": n, "interval": list(binomtest(k, n).proportion_ci(method="wilson"))}
            for k, n in shares
        ],
    },
    sklearn,
    scipy,
)
