"""Rank correlations by scipy, importance of parameters by scikit-learn: python test/golden/importance.py.

`correlations`: columns and `scipy.stats.spearmanr` of them (null where it is none). `sweeps`: trials with their metric, and the
permutation importance (out of the bag of each of five folds, 200 trees, over the ranks of the metric) of each parameter,
categories one-hot and exchanged together, as shares of the sum; `spread` is the highest standard deviation over the folds.
"""

import golden
import numpy as np
import scipy
import sklearn
from scipy.stats import rankdata, spearmanr
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold

random = np.random.RandomState(11)


def correlation(x, y):
    constant = len(set(x)) == 1 or len(set(y)) == 1
    value = None if constant else float(spearmanr(x, y).statistic)
    return {"x": [float(v) for v in x], "y": [float(v) for v in y], "correlation": value}


def shares(columns, metric):
    """Columns: {name: values}, strings are categories."""
    encoded = {}
    for name, values in columns.items():
        if isinstance(values[0], str):
            encoded[name] = np.stack([np.array(values) == k for k in sorted(set(values))], axis=1)
        else:
            encoded[name] = np.array(values)[:, None]
    names, y = list(encoded), rankdata(metric)
    x = np.concatenate([encoded[name] for name in names], axis=1).astype(float)
    place = np.repeat(np.arange(len(names)), [encoded[name].shape[1] for name in names])
    folds = []
    for train, test in KFold(5, shuffle=True, random_state=0).split(x):
        forest = RandomForestRegressor(200, random_state=0).fit(x[train], y[train])
        error = lambda seen: np.mean((forest.predict(seen) - y[test]) ** 2)
        rises = np.zeros(len(names))
        for i in range(len(names)):
            for _ in range(20):
                seen, order = x[test].copy(), random.permutation(len(test))
                seen[:, place == i] = seen[order][:, place == i]
                rises[i] += (error(seen) - error(x[test])) / 20
        folds.append(np.maximum(rises, 0) / np.maximum(rises, 0).sum())
    return {
        "shares": dict(zip(names, np.mean(folds, axis=0).tolist())),
        "spread": float(np.std(folds, axis=0).max()),
    }


def sweep(count, noise):
    columns = {
        "rate": [float(f"{v:.6g}") for v in 10 ** random.uniform(-5, 0, count)],
        "units": [int(v) for v in 16 * random.randint(1, 17, count)],
        "kind": [str(k) for k in random.choice(["a", "b", "c"], count)],
        "idle": [float(f"{v:.6g}") for v in random.uniform(0, 1, count)],
    }
    worse = {"a": 0.0, "b": 0.1, "c": 1.2}
    metric = [
        round(0.6 * (np.log10(r) + 2.5) ** 2 + u / 320 + worse[k] + noise * random.normal(), 6)
        for r, u, k in zip(columns["rate"], columns["units"], columns["kind"])
    ]
    return {"columns": columns, "metric": metric, **shares(columns, metric)}


tied = random.randint(0, 5, 30)
line = np.arange(12.0)
golden.write(
    "importance",
    {
        "correlations": [
            correlation(random.normal(size=25), random.normal(size=25)),
            correlation(tied, tied + random.randint(0, 3, 30)),
            correlation(line, -(line**3)),
            correlation(line, (line - 5.5) ** 2),
            correlation(line, np.ones(12)),
        ],
        "sweeps": [sweep(200, 0.05), sweep(60, 0.05), sweep(400, 0.3)],
    },
    scipy,
    sklearn,
)
