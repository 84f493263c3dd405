"""Keras 3's fit with regularized kernels: python test/golden/regularizers.py (Keras 3.15.1, TensorFlow 2.21.0).

Dense relu, Dense softmax on 44 examples in batches of 16, 16 and 12, never shuffled, 3 epochs; 12 other examples are
the validation. What fit says after every epoch, what evaluate says of the validation at the end, and the weights.
A kernel begins with zeros among its values, where the slope of an absolute value is 0.
"""

import golden
import keras
import numpy as np
import tensorflow as tf

N, HELD_OUT, FEATURES, HIDDEN, UNITS, BATCH, EPOCHS = 44, 12, 6, 5, 3, 16, 3
CONFIGS = [
    ({"l1": 0.01}, None, None),
    (None, {"l2": 0.05}, None),
    ({"l2": 0.02}, {"l1": 0.005, "l2": 0.01}, None),
    ({"l1": 0.001, "l2": 0.02}, {"l2": 0.01}, [0.5, 2.0, 1.0]),
]

rng = np.random.default_rng(5)
x = rng.standard_normal((N + HELD_OUT, FEATURES)).astype(np.float32)
y = rng.integers(0, UNITS, N + HELD_OUT).astype(np.int32)
shapes = [(FEATURES, HIDDEN), (HIDDEN,), (HIDDEN, UNITS), (UNITS,)]
start = [(rng.standard_normal(s) * 0.5).astype(np.float32) for s in shapes]
start[0][:, 1] = 0


def regularizer(settings):
    return settings and keras.regularizers.L1L2(**settings)


def run(first, second, class_weight):
    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(HIDDEN, activation="relu", kernel_regularizer=regularizer(first)),
            keras.layers.Dense(UNITS, activation="softmax", kernel_regularizer=regularizer(second)),
        ]
    )
    model.set_weights(start)
    model.compile(keras.optimizers.SGD(0.2), "sparse_categorical_crossentropy")
    history = model.fit(
        x[:N], y[:N], batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0,
        validation_data=(x[N:], y[N:]),
        class_weight=class_weight and dict(enumerate(class_weight)),
    ).history
    return {
        "kernelRegularizers": [first, second],
        "classWeights": class_weight or [1.0] * UNITS,
        "losses": history["loss"],
        "validationLosses": history["val_loss"],
        "evaluated": model.evaluate(x[N:], y[N:], batch_size=5, verbose=0),
        "weights": [golden.packed(w) for w in model.get_weights()],
    }


golden.write(
    "regularizers",
    {
        "batchSize": BATCH,
        "examples": N,
        "learningRate": 0.2,
        "x": golden.packed(x),
        "labels": y.tolist(),
        "start": [golden.packed(w) for w in start],
        "runs": [run(*config) for config in CONFIGS],
    },
    keras,
    tf,
    np,
)
