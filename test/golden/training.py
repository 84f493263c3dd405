"""Small dense networks trained 30 steps by Keras: python test/golden/training.py (Keras 3.15.1, TensorFlow 2.21.0).

44 examples in batches of 16, 16 and 12, ten times, never shuffled; the head has its activation inside, as users
write it. Every step's loss (not Keras' running mean) and the final weights.
"""

import golden
import keras
import numpy as np
import tensorflow as tf

N, FEATURES, HIDDEN, BATCH, STEPS = 44, 24, 10, 16, 30
OPTIMIZERS = [
    ("SGD", {"learningRate": 0.05}),
    ("SGD", {"learningRate": 0.02, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"learningRate": 0.01}),
    ("RMSprop", {"learningRate": 0.005}),
    ("AdamW", {"learningRate": 0.01, "weightDecay": 0.02}),
]
PYTHON = {"learningRate": "learning_rate", "weightDecay": "weight_decay"}
LOSSES = {
    "BinaryCrossentropy": (1, "sigmoid"),
    "CategoricalCrossentropy": (4, "softmax"),
    "SparseCategoricalCrossentropy": (4, "softmax"),
}

rng = np.random.default_rng(30)
x = rng.standard_normal((N, FEATURES)).astype(np.float32)
labels = {k: rng.integers(0, max(k, 2), N).astype(np.int32) for k in (1, 4)}


def initial(*shapes):
    return [(rng.standard_normal(s) * 0.3).astype(np.float32) for s in shapes]


START = {
    k: initial((FEATURES, HIDDEN), (HIDDEN,), (HIDDEN, k), (k,)) for k in (1, 4)
}


def network(kind, units, activation):
    """hidden: Dense relu, Dense; single: one Dense; normalized: Dense, BatchNormalization, relu, Dense."""
    layers = {
        "single": [],
        "hidden": [keras.layers.Dense(HIDDEN, activation="relu")],
        "normalized": [
            keras.layers.Dense(HIDDEN),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.ReLU(),
        ],
    }[kind]
    head = keras.layers.Dense(units, activation=activation)
    return keras.Sequential([keras.Input((FEATURES,)), *layers, head])


def weights_of(kind, units, zero):
    k1, b1, k2, b2 = START[units]
    ones, zeros = np.ones(HIDDEN, np.float32), np.zeros(HIDDEN, np.float32)
    values = {
        "single": [START[units][0][:, :1] @ START[units][2][:1], b2],
        "hidden": [k1, b1, k2, b2],
        "normalized": [k1, b1, ones, zeros, zeros, ones, k2, b2],
    }[kind]
    return [np.zeros_like(v) if zero else v for v in values]


def run(kind, optimizer, loss, zero=False, smoothing=0.0, class_weight=None):
    name, arguments = optimizer
    units, activation = LOSSES[loss]
    model = network(kind, units, activation)
    start = weights_of(kind, units, zero)
    model.set_weights(start)
    options = {"label_smoothing": smoothing} if smoothing else {}
    python = {PYTHON.get(k, k): v for k, v in arguments.items()}
    model.compile(
        getattr(keras.optimizers, name)(**python), getattr(keras.losses, loss)(**options)
    )
    y = labels[units]
    if loss == "CategoricalCrossentropy":
        y = keras.utils.to_categorical(y, units)
    losses = []
    while len(losses) < STEPS:
        for first in range(0, N, BATCH):
            part = slice(first, first + BATCH)
            model.reset_metrics()
            logs = model.train_on_batch(
                x[part], y[part], class_weight=class_weight, return_dict=True
            )
            losses.append(float(logs["loss"]))
    return {
        "kind": kind,
        "optimizer": {"name": name, **arguments},
        "loss": loss,
        "labelSmoothing": smoothing,
        "classWeight": [class_weight[i] for i in sorted(class_weight)] if class_weight else None,
        "start": [golden.packed(w) for w in start],
        "losses": losses,
        "weights": [golden.packed(w) for w in model.get_weights()],
    }


runs = []
for loss in LOSSES:
    for optimizer in OPTIMIZERS:
        runs.append(run("hidden", optimizer, loss))
        runs.append(run("single", optimizer, loss, zero=True))
    units = LOSSES[loss][0]
    classes = {0: 0.5, 1: 3.0} if units == 1 else {0: 0.5, 1: 1.0, 2: 3.0, 3: 0.25}
    runs.append(run("hidden", OPTIMIZERS[2], loss, class_weight=classes))
    runs.append(run("hidden", OPTIMIZERS[2], loss, zero=True))
    runs.append(run("normalized", OPTIMIZERS[0], loss))
    runs.append(run("normalized", OPTIMIZERS[2], loss))
    if loss.startswith("Sparse"):
        continue
    runs.append(run("hidden", OPTIMIZERS[1], loss, smoothing=0.1))
    runs.append(run("hidden", OPTIMIZERS[2], loss, smoothing=0.2, class_weight=classes))

golden.write(
    "training",
    {
        "batchSize": BATCH,
        "x": golden.packed(x),
        "labels": {str(k): golden.packed(v) for k, v in labels.items()},
        "runs": runs,
    },
    keras,
    tf,
    np,
)
