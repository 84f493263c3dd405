"""A small convolutional network fine-tuned 5 steps by Keras: python test/golden/convolutional.py (Keras 3.15.1,
TensorFlow 2.21.0).

The first convolution and its normalization are frozen; behind them every kind of window, normalizations with and
without scale and center, two branches. Each step has a batch of its own. Losses, final weights and moving averages.
"""

import golden
import keras
import numpy as np
import tensorflow as tf
from keras import layers as L

BATCH, STEPS, CLASSES, SHAPE = 6, 5, 3, (13, 12, 3)
RATE, MOMENTUM = 0.05, 0.9
rng = np.random.default_rng(8)


def network():
    inputs = keras.Input(SHAPE)
    x = L.ZeroPadding2D(((0, 1), (1, 1)), name="pad")(inputs)
    x = L.Conv2D(4, 3, strides=2, use_bias=False, name="stem")(x)
    x = L.BatchNormalization(name="stem_bn")(x)
    x = L.ReLU(6.0, name="stem_relu")(x)
    x = L.Conv2D(6, 1, use_bias=False, name="expand")(x)
    x = L.BatchNormalization(momentum=0.9, name="expand_bn")(x)
    x = L.ReLU(6.0, name="expand_relu")(x)
    y = L.DepthwiseConv2D(3, padding="same", use_bias=False, name="deep")(x)
    y = L.BatchNormalization(momentum=0.8, scale=False, name="deep_bn")(y)
    x = L.Add(name="add")([x, y])
    x = L.ReLU(name="relu")(x)
    left = L.MaxPooling2D(3, 2, "same", name="largest")(x)
    right = L.AveragePooling2D(3, 2, "same", name="mean")(x)
    right = L.Conv2D(4, (3, 5), padding="same", name="wide")(right)
    right = L.BatchNormalization(center=False, epsilon=1e-2, name="wide_bn")(right)
    x = L.Concatenate(name="join")([left, right])
    x = L.SeparableConv2D(8, 3, depth_multiplier=2, strides=2, padding="same", activation="relu", name="apart")(x)
    x = L.GlobalAveragePooling2D(name="pool")(x)
    outputs = L.Dense(CLASSES, activation="softmax", name="classes")(x)
    model = keras.Model(inputs, outputs)
    model.get_layer("stem").trainable = False
    model.get_layer("stem_bn").trainable = False
    return model


def start(variable):
    if variable.name in ("gamma", "moving_variance"):
        return rng.uniform(0.5, 1.5, variable.shape).astype(np.float32)
    scale = 0.5 if "kernel" in variable.name else 0.2
    return (rng.standard_normal(variable.shape) * scale).astype(np.float32)


model = network()
for variable in model.weights:
    variable.assign(start(variable))
initial = {v.path: golden.packed(v.numpy()) for v in model.weights}
model.compile(keras.optimizers.SGD(RATE, momentum=MOMENTUM), "sparse_categorical_crossentropy")
batches, losses = [], []
for _ in range(STEPS):
    x = rng.standard_normal((BATCH, *SHAPE)).astype(np.float32)
    labels = rng.integers(0, CLASSES, BATCH).astype(np.int32)
    model.reset_metrics()
    losses.append(float(model.train_on_batch(x, labels, return_dict=True)["loss"]))
    batches.append({"x": golden.packed(x), "labels": golden.packed(labels)})

golden.write(
    "convolutional",
    {
        "classes": CLASSES,
        "optimizer": {"name": "SGD", "learningRate": RATE, "momentum": MOMENTUM},
        "batches": batches,
        "losses": losses,
        "start": initial,
        "weights": {v.path: golden.packed(v.numpy()) for v in model.weights},
    },
    keras,
    tf,
    np,
)
print(losses)
