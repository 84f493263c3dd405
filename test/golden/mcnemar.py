"""McNemar's exact test by scipy's binomial test: python test/golden/mcnemar.py (scipy 1.17.1).

Pictures that only one of two classifiers has right, and how probable a split at least as uneven is: small ones, even ones, one
of all, and tens of thousands.
"""

import golden
import numpy as np
import scipy
from scipy.stats import binomtest

rng = np.random.default_rng(5)
pairs = [(0, 0), (1, 0), (0, 1), (1, 1), (5, 0), (0, 6), (6, 1), (3, 2), (10, 10), (2, 12), (15, 30), (31, 9)]
pairs += [(0, 40), (400, 500), (999, 1001), (1000, 1100), (20000, 20000), (24000, 25000), (25000, 24600), (3, 60)]
pairs += [tuple(int(v) for v in rng.integers(0, 60, 2)) for _ in range(60)]
cases = [{"lost": a, "won": b, "p": binomtest(a, a + b, 0.5).pvalue if a + b else 1.0} for a, b in pairs]
golden.write("mcnemar", {"cases": cases}, scipy, np)
