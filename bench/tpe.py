"""Optuna's side of bench/tpe.ts: for {name, sampler, seeds, trials} the true value of the point that looked best, one a seed."""

import json
import math
import sys
import warnings

import numpy as np
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")

ALPHA = np.array([1, 1.2, 3, 3.2])
A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
P = np.array(
    [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
)


def branin(trial):
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    inner = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return inner**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def hartmann6(trial):
    x = np.array([trial.suggest_float(f"x{i}", 0, 1) for i in range(6)])
    return float(-(ALPHA * np.exp(-(A * (x - P) ** 2).sum(axis=1))).sum())


def quadratic(trial):
    rate = trial.suggest_float("rate", 1e-5, 1, log=True)
    width = trial.suggest_int("width", 8, 256, step=8)
    kind = trial.suggest_categorical("kind", ["good", "middling", "bad"])
    worse = {"good": 0, "middling": 0.5, "bad": 5}[kind]
    return math.log10(rate / 0.003) ** 2 + ((width - 96) / 80) ** 2 + worse


OBJECTIVES = {"branin": (branin, 0), "hartmann6": (hartmann6, 0), "quadratic": (quadratic, 0.1)}
SAMPLERS = {
    "multivariate": {"multivariate": True},
    "default": {},
    "independent": {"multivariate": False},
}


def best(name, sampler, seed, trials):
    function, noise = OBJECTIVES[name]
    random = np.random.RandomState(1000 + seed)

    def seen(trial):
        value = function(trial)
        trial.set_user_attr("true", value)
        return value + noise * random.normal()

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, **SAMPLERS[sampler]))
    study.optimize(seen, n_trials=trials)
    return study.best_trial.user_attrs["true"]


for line in sys.stdin:
    asked = json.loads(line)
    answer = [best(asked["name"], asked["sampler"], s, asked["trials"]) for s in range(asked["seeds"])]
    print(json.dumps(answer), flush=True)
