"""Learning rates by Keras 3's schedules: python test/golden/schedules.py (Keras 3.15.1, TensorFlow 2.21.0).

Each at steps around all of its boundaries, far beyond them, and at some between.
"""

import golden
import keras
import numpy as np
import tensorflow as tf

COSINE = [
    ({"initialLearningRate": 0.1, "decaySteps": 100}, [100]),
    ({"initialLearningRate": 0.001, "decaySteps": 1000, "alpha": 0.05}, [1000]),
    ({"initialLearningRate": 0.0, "decaySteps": 50, "warmupTarget": 0.1, "warmupSteps": 20}, [20, 70]),
    ({"initialLearningRate": 0.01, "decaySteps": 37, "alpha": 0.1, "warmupTarget": 0.003, "warmupSteps": 7}, [7, 44]),
]
RESTARTS = [
    ({"initialLearningRate": 0.1, "firstDecaySteps": 10}, [10, 30, 70, 150, 310, 630]),
    ({"initialLearningRate": 0.01, "firstDecaySteps": 7, "tMul": 1.0, "mMul": 0.9}, [7, 14, 21, 28, 35, 42, 70]),
    ({"initialLearningRate": 0.05, "firstDecaySteps": 20, "tMul": 1.5, "mMul": 0.5, "alpha": 0.1}, [20, 50, 95, 162, 163, 264]),
    ({"initialLearningRate": 0.05, "firstDecaySteps": 100, "tMul": 3.0}, [100, 400, 1300, 4000]),
]
DECAY = [
    ({"initialLearningRate": 0.1, "decaySteps": 100, "decayRate": 0.96}, [100, 200]),
    ({"initialLearningRate": 0.1, "decaySteps": 30, "decayRate": 0.5, "staircase": True}, [30, 60, 90, 300]),
    ({"initialLearningRate": 0.02, "decaySteps": 7, "decayRate": 0.9, "staircase": True}, [7, 14, 21]),
]
PIECEWISE = [
    ({"boundaries": [100, 200], "values": [0.01, 0.001, 0.0001]}, [100, 200]),
    ({"boundaries": [0, 5, 6, 50], "values": [1.0, 0.5, 0.1, 0.3, 0.01]}, [0, 5, 6, 50]),
    ({"boundaries": [3], "values": [0.3, 0.03]}, [3]),
]
POLYNOMIAL = [
    ({"initialLearningRate": 0.1, "decaySteps": 100}, [100]),
    ({"initialLearningRate": 0.1, "decaySteps": 33, "endLearningRate": 0.01, "power": 2.0}, [33]),
    ({"initialLearningRate": 0.1, "decaySteps": 10, "power": 0.5, "cycle": True}, [10, 20, 30, 70]),
    ({"initialLearningRate": 0.0001, "decaySteps": 10, "endLearningRate": 0.01}, [10]),
]
CONFIGS = [
    *[("CosineDecay", *c) for c in COSINE],
    *[("CosineDecayRestarts", *c) for c in RESTARTS],
    *[("ExponentialDecay", *c) for c in DECAY],
    *[("InverseTimeDecay", *c) for c in DECAY],
    *[("PiecewiseConstantDecay", *c) for c in PIECEWISE],
    *[("PolynomialDecay", *c) for c in POLYNOMIAL],
]
PYTHON = {
    "initialLearningRate": "initial_learning_rate",
    "decaySteps": "decay_steps",
    "firstDecaySteps": "first_decay_steps",
    "decayRate": "decay_rate",
    "endLearningRate": "end_learning_rate",
    "warmupTarget": "warmup_target",
    "warmupSteps": "warmup_steps",
    "tMul": "t_mul",
    "mMul": "m_mul",
}


def run(name, arguments, boundaries):
    python = {PYTHON.get(k, k): v for k, v in arguments.items()}
    schedule = getattr(keras.optimizers.schedules, name)(**python)
    near = {b + d for b in boundaries for d in (-2, -1, 0, 1, 2)}
    last = max(boundaries)
    between = {round(i * last / 25) for i in range(26)}
    steps = sorted(s for s in near | between | {0, 1, 2, 10 * last, 100 * last + 1} if s >= 0)
    # As a graph, with the optimizer's count of iterations, an int64. Keras' own two ways (eager, graph) differ by 1e-7 of
    # the first rate, since a graph multiplies by inverses.
    rate = tf.function(lambda step: tf.convert_to_tensor(schedule(step)))
    rates = [float(rate(tf.constant(s, tf.int64)).numpy()) for s in steps]
    return {"schedule": {"name": name, **arguments}, "steps": steps, "rates": rates}


golden.write("schedules", {"runs": [run(*config) for config in CONFIGS]}, keras, tf, np)
