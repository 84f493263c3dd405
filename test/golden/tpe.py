"""Goldens of the TPE sampler by Optuna, of its normals by mpmath: python test/golden/tpe.py (needs optuna, scipy, mpmath).

`masses`: log of the standard normal's mass between two ends. `estimators`: observations in a space, and the log density at points
of it by Optuna's multivariate Parzen estimator. `normal`: the same along an unbounded dimension, by scipy from the rule (Hyperopt's
prior and bounds of the widths, Optuna's neighbours). `splits`: which trials count as good by Optuna's `_split_trials`.
`medians`: whether Optuna's MedianPruner stops a trial; values by step, from 1 on.
"""

import math

import golden
import mpmath
import numpy as np
import optuna
import scipy
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe import sampler as tpe
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.trial import TrialState, create_trial

optuna.logging.set_verbosity(optuna.logging.ERROR)
mpmath.mp.dps = 400
random = np.random.RandomState(7)


def mass(a, b):
    if math.isinf(a):
        return float(mpmath.log(mpmath.ncdf(b)))
    return float(mpmath.log(mpmath.ncdf(b) - mpmath.ncdf(a)))


ENDS = [
    (-math.inf, 0), (-math.inf, -1.9), (-math.inf, -2.1), (-math.inf, -8), (-math.inf, -37.5), (-math.inf, 3), (-1, 1),
    (-0.3, 4), (-9, -8.5), (2, 3), (7, 7.01), (20, 20.5), (-30, 30), (0.5, 0.500001), (5, 5.0001), (-2.00001, -1.99999),
]  # fmt: skip

SPACES = {
    "uniform": ({"type": "uniform", "min": -5, "max": 10}, FloatDistribution(-5, 10)),
    "log": ({"type": "logUniform", "min": 1e-5, "max": 0.1}, FloatDistribution(1e-5, 0.1, log=True)),
    "steps": ({"type": "uniform", "min": 0.5, "max": 3, "q": 0.25}, FloatDistribution(0.5, 3, step=0.25)),
    "whole": ({"type": "intUniform", "min": 1, "max": 300}, IntDistribution(1, 300)),
    "wholeSteps": ({"type": "intUniform", "min": 16, "max": 256, "q": 16}, IntDistribution(16, 256, step=16)),
    "wholeLog": ({"type": "logUniform", "min": 1, "max": 200, "q": 1}, IntDistribution(1, 200, log=True)),
    "kind": ({"type": "values", "values": ["a", "b", "c"]}, CategoricalDistribution(["a", "b", "c"])),
}  # fmt: skip


def draw(distribution):
    if isinstance(distribution, CategoricalDistribution):
        return int(random.randint(len(distribution.choices)))
    if distribution.log:
        value = math.exp(random.uniform(math.log(distribution.low), math.log(distribution.high)))
        return round(value) if distribution.step else value
    if distribution.step:
        steps = round((distribution.high - distribution.low) / distribution.step)
        return distribution.low + distribution.step * int(random.randint(steps + 1))
    return random.uniform(distribution.low, distribution.high)


def external(name, value):
    distribution = SPACES[name][1]
    return distribution.choices[value] if name == "kind" else value


def distinct(name, count):
    """Numbers are drawn without repetition: which of equal ones gets the wider kernel is left open by numpy's sort."""
    values = []
    while len(values) < count:
        value = draw(SPACES[name][1])
        if name == "kind" or count < 10 or value not in values:
            values.append(value)
    return values


def estimator(names, count):
    space = {name: SPACES[name][1] for name in names}
    observed = {name: distinct(name, count) for name in names}
    points = {name: [draw(d) for _ in range(6)] for name, d in space.items()}
    parameters = _ParzenEstimatorParameters(1.0, True, False, tpe.default_weights, True)
    made = _ParzenEstimator({k: np.array(v) for k, v in observed.items()}, space, parameters)
    densities = made.log_pdf({k: np.array(v) for k, v in points.items()})
    rows = lambda columns, n: [[external(k, columns[k][i]) for k in names] for i in range(n)]
    return {
        "domains": [SPACES[name][0] for name in names],
        "observed": rows(observed, count),
        "points": rows(points, 6),
        "logDensities": densities.tolist(),
    }


def normal(count, mean=2.0, std=0.5):
    observed = [random.normal(mean, std) for _ in range(count)]
    ordered = sorted(observed)
    floor, widths = std / min(100, count + 2), {}
    for i, x in enumerate(ordered):
        gaps = [x - ordered[i - 1]] if i > 0 else []
        gaps += [ordered[i + 1] - x] if i + 1 < count else []
        widths[x] = min(max(max(gaps, default=math.inf), floor), std)
    points = [random.normal(mean, std) for _ in range(6)]
    kernels = [(x, widths[x]) for x in observed] + [(mean, std)]
    pdf = lambda p: np.mean([scipy.stats.norm.pdf(p, mu, sigma) for mu, sigma in kernels])
    return {
        "domains": [{"type": "normal", "mean": mean, "std": std}],
        "observed": [[x] for x in observed],
        "points": [[p] for p in points],
        "logDensities": [float(np.log(pdf(p))) for p in points],
    }


STATES = {
    "done": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "pending": TrialState.RUNNING,
}


def split(direction, count, pending):
    study = optuna.create_study(direction=direction)
    history = []
    for number in range(count):
        state = random.choice(["done", "stopped"] + ["pending"] * pending)
        value = round(random.uniform(0, 1), 6)
        resource = int(random.choice([1, 3, 9]))
        steps = {} if state == "pending" else {1: 0.5, resource: value}
        history.append({"state": state, "value": value, "resource": resource})
        study.add_trial(
            create_trial(
                state=STATES[state],
                value=value if state == "done" else None,
                intermediate_values=steps,
                params={"i": number},
                distributions={"i": IntDistribution(0, 1000)},
            )
        )
    trials = study.get_trials()
    finished = sum(t.state != TrialState.RUNNING for t in trials)
    good, bad = tpe._split_trials(study, trials, tpe.default_gamma(finished))
    return {
        "goal": direction,
        "history": history,
        "good": [t.params["i"] for t in good],
        "bad": [t.params["i"] for t in bad],
    }


def median(direction, finished, warmup, startup):
    """Steps of the pruner are epochs here; with n_warmup_steps = 3 the third epoch may be the last."""
    study = optuna.create_study(direction=direction)
    curve = lambda n: {e + 1: round(random.uniform(0, 1), 6) for e in range(n)}
    curves = [curve(random.randint(1, 8)) for _ in range(finished)]
    for values in curves:
        study.add_trial(
            create_trial(state=TrialState.COMPLETE, value=0.0, intermediate_values=values)
        )
    pruner = optuna.pruners.MedianPruner(startup, warmup)
    trial, stops = curve(8), []
    for epoch in trial:
        so_far = {e: v for e, v in trial.items() if e <= epoch}
        running = create_trial(state=TrialState.RUNNING, intermediate_values=so_far)
        stops.append(bool(pruner.prune(study, running)))
    return {
        "goal": direction,
        "min": warmup,
        "trials": startup,
        "finished": [list(c.values()) for c in curves],
        "values": list(trial.values()),
        "stops": stops,
    }


golden.write(
    "tpe",
    {
        "masses": [
            {"a": a if math.isfinite(a) else None, "b": b, "log": mass(a, b)} for a, b in ENDS
        ],
        "estimators": [
            *[estimator([name], n) for name in SPACES for n in (0, 1, 2, 9)],
            estimator(list(SPACES), 4),
            estimator(["uniform", "log", "kind"], 26),
            estimator(["uniform", "whole", "kind"], 60),
        ],
        "normal": [normal(n) for n in (0, 1, 2, 9)],
        "splits": [
            split(direction, count, pending)
            for direction in ("minimize", "maximize")
            for count, pending in ((1, 0), (12, 0), (40, 1))
        ]
        + [split("minimize", 280, 0)],
        "medians": [
            median(direction, finished, warmup, startup)
            for direction in ("minimize", "maximize")
            for finished, warmup, startup in ((0, 1, 0), (3, 1, 4), (4, 1, 4), (9, 3, 5), (30, 1, 1))
        ],
    },
    optuna,
    scipy,
    mpmath,
)
