"""Keras 3's callbacks on made-up figures: python test/golden/callbacks.py (Keras 3.15.1, TensorFlow 2.21.0).

Random sequences with ties, with differences below float32 and around min_delta. EarlyStopping: the epoch that stops
and the one whose weights are restored. ReduceLROnPlateau: the rate after every epoch. ModelCheckpoint with
save_best_only: the epochs that are saved. Epochs from 1. And a whole fit with all three: one Dense of 3 units on 44
examples in batches of 16, 16 and 12, never shuffled, 12 other examples as validation.
"""

import golden
import keras
import numpy as np
import tensorflow as tf

RATE = 0.1
FIT_RATE = 0.25
rng = np.random.default_rng(7)


class Model:
    """What the callbacks ask of a model; its weights are the number of the epoch."""

    def __init__(self):
        self.optimizer = keras.optimizers.SGD(RATE)
        self.stop_training = False
        self.epoch = 0
        self.restored = None
        self.saved = []

    def get_weights(self):
        return [self.epoch]

    def set_weights(self, weights):
        self.restored = weights[0]

    def save_weights(self, *_, **__):
        self.saved.append(self.epoch)


def figures(better, epochs=20):
    """Getting better, then flat; many repeat an earlier one or are off by next to nothing."""
    values = []
    for epoch in range(epochs):
        value = round(float(0.2 + 0.6 * np.exp(-epoch / 3) + rng.normal() * 0.05), 2)
        if values and rng.random() < 0.4:
            value = values[rng.integers(len(values))] + rng.choice([0, 1e-9, -1e-9, 1e-5, -1e-5, -2e-4, 0.01, -0.01])
        values.append(float(value))
    return values if better == "lower" else [-value for value in values]


def drive(callback, values):
    """Yields the model after every epoch until the callback stops it, and once more at the end."""
    model = Model()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.epoch = epoch + 1
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"figure": value})
        yield model
        if model.stop_training:
            break
    callback.on_train_end()
    yield model


def early(better, patience, min_delta):
    values = figures(better)
    callback = keras.callbacks.EarlyStopping(
        "figure", mode=MODES[better], restore_best_weights=True, patience=patience, min_delta=min_delta
    )
    model = list(drive(callback, values))[-1]
    return {
        "better": better,
        "settings": {"patience": patience, "minDelta": min_delta},
        "values": values,
        "stopped": model.epoch if model.stop_training else None,
        "best": model.restored,
    }


def plateau(better, factor, patience, min_rate):
    values = figures(better)
    callback = keras.callbacks.ReduceLROnPlateau(
        "figure", mode=MODES[better], factor=factor, patience=patience, min_lr=min_rate
    )
    rates = [float(m.optimizer.learning_rate.numpy()) for m in drive(callback, values)][:-1]
    return {
        "better": better,
        "settings": {"factor": factor, "patience": patience, "minLearningRate": min_rate},
        "values": values,
        "learningRate": RATE,
        "rates": rates,
    }


def checkpoint(better):
    values = figures(better)
    callback = keras.callbacks.ModelCheckpoint(
        "best.weights.h5", "figure", mode=MODES[better], save_best_only=True, save_weights_only=True
    )
    return {"better": better, "values": values, "saved": list(drive(callback, values))[-1].saved}


def fit():
    x = rng.standard_normal((56, 6)).astype(np.float32)
    y = rng.integers(0, 3, 56).astype(np.int32)
    start = [(rng.standard_normal(s) * 0.3).astype(np.float32) for s in [(6, 3), (3,)]]
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
    model.set_weights(start)
    model.compile(keras.optimizers.SGD(FIT_RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    settings = {"patience": 4, "minDelta": 0.0, "factor": 0.5, "plateauPatience": 1, "minLearningRate": 0.05}
    callbacks = [
        keras.callbacks.EarlyStopping("val_loss", patience=4, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_lr=0.05),
    ]
    history = model.fit(
        x[:44], y[:44], batch_size=16, epochs=30, shuffle=False, verbose=0,
        validation_data=(x[44:], y[44:]), callbacks=callbacks,
    ).history
    return {
        "batchSize": 16,
        "examples": 44,
        "x": golden.packed(x),
        "labels": y.tolist(),
        "start": [golden.packed(w) for w in start],
        "learningRate": FIT_RATE,
        "settings": settings,
        # Of each epoch; the rate is the one in it.
        "losses": history["loss"],
        "validationLosses": history["val_loss"],
        "rates": history["learning_rate"],
        "weights": [golden.packed(w) for w in model.get_weights()],
    }


def pick(*choices):
    return choices[rng.integers(len(choices))]


MODES = {"lower": "min", "higher": "max"}
BETTER = list(MODES)
golden.write(
    "callbacks",
    {
        "earlyStopping": [
            early(pick(*BETTER), pick(0, 1, 2, 3, 5), pick(0.0, 0.0, 1e-5, 0.01, 0.1)) for _ in range(60)
        ],
        "reduceLROnPlateau": [
            plateau(pick(*BETTER), pick(0.1, 0.5, 0.3), pick(0, 1, 2, 3), pick(0.0, 0.0, 0.01, 1e-4))
            for _ in range(60)
        ],
        "keepBest": [checkpoint(pick(*BETTER)) for _ in range(40)],
        "fit": fit(),
    },
    keras,
    tf,
    np,
)
