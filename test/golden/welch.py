"""Welch's test by scipy: python test/golden/welch.py (scipy 1.17.1).

Groups of two to thirty figures, near and far from one another, one of them constant.
"""

import golden
import numpy as np
import scipy
from scipy.stats import ttest_ind

rng = np.random.default_rng(11)
pairs = [([0.9, 0.91], [0.92, 0.93]), ([0.5, 0.5, 0.5], [0.5, 0.6, 0.7]), ([0.97, 0.98, 0.975], [0.2, 0.21, 0.22])]
for _ in range(40):
    n, m = rng.integers(2, 31, 2)
    shift, scale = rng.normal(0, 0.05), rng.uniform(0.2, 5)
    a, b = rng.normal(0.9, 0.02, n), rng.normal(0.9 + shift, 0.02 * scale, m)
    pairs.append((a.round(6).tolist(), b.round(6).tolist()))
cases = [{"a": a, "b": b, "p": float(ttest_ind(a, b, equal_var=False).pvalue)} for a, b in pairs]
golden.write("welch", {"cases": cases}, scipy, np)
