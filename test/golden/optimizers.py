"""Five updates of each optimizer, by Keras 3: python test/golden/optimizers.py (Keras 3.15.1, TensorFlow 2.21.0).

Two weights, given gradients; the learning rate changes before the fourth update, as a schedule would have it.
"""

import golden
import keras
import numpy as np
import tensorflow as tf

STEPS = 5
RATES = [0.01, 0.01, 0.01, 0.003, 0.001]
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
]
PYTHON = {
    "weightDecay": "weight_decay",
    "globalClipnorm": "global_clipnorm",
    "beta1": "beta_1",
    "beta2": "beta_2",
}

rng = np.random.default_rng(11)
weights = [rng.standard_normal(s).astype(np.float32) for s in [(3, 4), (5,)]]
gradients = [[rng.standard_normal(w.shape).astype(np.float32) for w in weights] for _ in range(STEPS)]
gradients[2][1][:] = 0  # a gradient may vanish


def run(name, arguments):
    python = {PYTHON.get(k, k): v for k, v in arguments.items()}
    optimizer = getattr(keras.optimizers, name)(learning_rate=RATES[0], **python)
    variables = [keras.Variable(w) for w in weights]
    optimizer.build(variables)
    values = []
    for rate, slopes in zip(RATES, gradients):
        optimizer.learning_rate = rate
        optimizer.apply([tf.constant(g) for g in slopes], variables)
        values.append([golden.packed(v.numpy()) for v in variables])
    return {"name": name, "arguments": arguments, "values": values}


golden.write(
    "optimizers",
    {
        "rates": RATES,
        "weights": [golden.packed(w) for w in weights],
        "gradients": [[golden.packed(g) for g in step] for step in gradients],
        "runs": [run(*config) for config in CONFIGS],
    },
    keras,
    tf,
    np,
)
