"""Eight updates of each optimizer, by Keras 3: python test/golden/optimizers.py (Keras 3.15.1, TensorFlow 2.21.0).

Two weights, given gradients; the learning rate changes before some updates, as a schedule would have it.
A third entry of a configuration multiplies the rates: Adadelta's steps are small.
"""

import golden
import keras
import numpy as np
import tensorflow as tf

STEPS = 8
RATES = [0.01, 0.01, 0.01, 0.003, 0.001, 0.02, 0.02, 0.05]
CONFIGS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"weightDecay": 0.1}),
    ("SGD", {"momentum": 0.5, "weightDecay": 0.1}),
    ("SGD", {"clipnorm": 1.0}),
    ("SGD", {"globalClipnorm": 1.0}),
    ("SGD", {"globalClipnorm": 1e6}),
    ("SGD", {"clipvalue": 0.25}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.5, "epsilon": 1e-3}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"centered": True, "momentum": 0.9, "weightDecay": 0.05}),
    ("Adam", {}),
    ("Adam", {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}),
    ("Adam", {"amsgrad": True}),
    ("Adam", {"weightDecay": 0.1, "clipnorm": 0.5}),
    ("AdamW", {}),
    ("AdamW", {"weightDecay": 0.2, "amsgrad": True}),
    ("Adagrad", {}),
    ("Adagrad", {"initialAccumulatorValue": 0.0}),
    ("Adagrad", {"epsilon": 1e-2, "weightDecay": 0.1, "clipnorm": 0.5}),
    ("Adagrad", {"globalClipnorm": 1.0}),
    ("Adadelta", {}, 1000),
    ("Adadelta", {"rho": 0.5, "epsilon": 1e-3}, 50),
    ("Adadelta", {"epsilon": 1e-2, "weightDecay": 0.1, "clipvalue": 0.25}, 10),
    ("Adamax", {}),
    ("Adamax", {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}),
    ("Adamax", {"weightDecay": 0.1, "globalClipnorm": 1.0}),
    ("Nadam", {}),
    ("Nadam", {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}),
    ("Nadam", {"weightDecay": 0.1, "clipnorm": 0.5}),
    ("Nadam", {"beta1": 0.99, "clipvalue": 0.25}),
]
PYTHON = {
    "initialAccumulatorValue": "initial_accumulator_value",
    "weightDecay": "weight_decay",
    "globalClipnorm": "global_clipnorm",
    "beta1": "beta_1",
    "beta2": "beta_2",
}

rng = np.random.default_rng(11)
weights = [rng.standard_normal(s).astype(np.float32) for s in [(3, 4), (5,)]]
gradients = [[rng.standard_normal(w.shape).astype(np.float32) for w in weights] for _ in range(STEPS)]
gradients[2][1][:] = 0  # a gradient may vanish


def run(name, arguments, factor=1):
    rates = [rate * factor for rate in RATES]
    python = {PYTHON.get(k, k): v for k, v in arguments.items()}
    optimizer = getattr(keras.optimizers, name)(learning_rate=rates[0], **python)
    variables = [keras.Variable(w) for w in weights]
    optimizer.build(variables)
    values = []
    for rate, slopes in zip(rates, gradients):
        optimizer.learning_rate = rate
        optimizer.apply([tf.constant(g) for g in slopes], variables)
        values.append([golden.packed(v.numpy()) for v in variables])
    return {"name": name, "arguments": arguments, "rates": rates, "values": values}


golden.write(
    "optimizers",
    {
        "weights": [golden.packed(w) for w in weights],
        "gradients": [[golden.packed(g) for g in step] for step in gradients],
        "runs": [run(*config) for config in CONFIGS],
    },
    keras,
    tf,
    np,
)
