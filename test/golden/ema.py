"""Keras 3's fit with moving averages of the weights: python test/golden/ema.py (Keras 3.15.1, TensorFlow 2.21.0).

One Dense of 3 units on 44 examples in batches of 16, 16 and 12, never shuffled, 4 epochs; 12 other examples are the
validation. What validation said after every epoch, the weights and their averages then, and the weights at the end.
"""

import golden
import keras
import numpy as np
import tensorflow as tf

N, HELD_OUT, FEATURES, UNITS, BATCH, EPOCHS = 44, 12, 6, 3, 16, 4
CONFIGS = [
    {"name": "SGD", "learningRate": 0.5, "useEma": True},
    {"name": "SGD", "learningRate": 0.5, "useEma": True, "emaMomentum": 0.75, "emaOverwriteFrequency": 4},
    {"name": "SGD", "learningRate": 0.5, "momentum": 0.5, "useEma": True, "emaMomentum": 0.5, "emaOverwriteFrequency": 1},
    {"name": "Adam", "learningRate": 0.05, "useEma": True, "emaMomentum": 0.9, "emaOverwriteFrequency": 3},
    {"name": "Adagrad", "learningRate": 0.1, "weightDecay": 0.1, "useEma": True, "emaMomentum": 0.0},
]
PYTHON = {
    "learningRate": "learning_rate",
    "weightDecay": "weight_decay",
    "useEma": "use_ema",
    "emaMomentum": "ema_momentum",
    "emaOverwriteFrequency": "ema_overwrite_frequency",
}

rng = np.random.default_rng(3)
x = rng.standard_normal((N + HELD_OUT, FEATURES)).astype(np.float32)
y = rng.integers(0, UNITS, N + HELD_OUT).astype(np.int32)
start = [
    (rng.standard_normal(s) * 0.3).astype(np.float32) for s in [(FEATURES, UNITS), (UNITS,)]
]


def run(config):
    name, arguments = config["name"], {PYTHON.get(k, k): v for k, v in config.items() if k != "name"}
    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(UNITS, activation="softmax")])
    model.set_weights(start)
    optimizer = getattr(keras.optimizers, name)(**arguments)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    epochs = []

    class Record(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            averages = optimizer._model_variables_moving_average
            epochs.append(
                {
                    "validationLoss": logs["val_loss"],
                    "weights": [golden.packed(w) for w in model.get_weights()],
                    "averages": [golden.packed(v.numpy()) for v in averages],
                }
            )

    model.fit(
        x[:N], y[:N], batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0,
        validation_data=(x[N:], y[N:]), callbacks=[Record()],
    )
    return {
        "optimizer": config,
        "epochs": epochs,
        "weights": [golden.packed(w) for w in model.get_weights()],
    }


golden.write(
    "ema",
    {
        "batchSize": BATCH,
        "examples": N,
        "x": golden.packed(x),
        "labels": y.tolist(),
        "start": [golden.packed(w) for w in start],
        "runs": [run(config) for config in CONFIGS],
    },
    keras,
    tf,
    np,
)
