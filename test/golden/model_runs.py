"""Goldens of running the base models: outputs, and one training step, from Keras.

Ran on Keras 3.15.1, TensorFlow 2.21.0, numpy 2.x. From the repository's root, for all models (an hour) or some:

    python test/golden/model_runs.py [NAME ...]

Writes test/golden/model-runs.json.gz; the runs of models that are not named stay what they are. Weights and pictures
come from the formulas of models.py on both sides. So that nothing vanishes or blows up on the way through many layers,
each kernel is multiplied by a power of two, which is stored (`gains`, in the layers' order): the one that brings what
its layer gives to a deviation of about 1.

Numbers are those of Keras in float64. In float32 it is up to 2e-4 from itself, with oneDNN and without, and compiled or
not; how far it is from them, for gradients, is stored too (`spread`).
"""

import contextlib
import gzip
import json
import os
import sys

import models
import numpy as np
from models import LEAST_SIZE, MODELS, build, made_up, picture, preprocessed, rounded, uniforms

import keras
import tensorflow as tf

PATH = os.path.join(models.HERE, "model-runs.json.gz")

# The narrowest form of families that have several.
OPTIONS = {"MobileNet": {"alpha": 0.25}, "MobileNetV2": {"alpha": 0.35}}
KERNELS = ("kernel", "pointwise_kernel")
CLASSES = 5
BATCH = 4
EVERY = 10
# What is added to every beta in training (with more of each relu open, roundings do not grow to something visible), and
# which pictures: the first that leave no relu and no pool so near to its edge that a rounding takes it to the other side.
TRIALS = [(1, 0), *((lift, number) for lift in (2, 3) for number in range(3))]
NEAR = 2.5e-4
# Where those so found are near an edge for the roundings of other libraries: side, lift and pictures of which 16 times
# that noise changes no gradient by more than 3e-4.
CHOSEN = {"Xception": (72, 3, 1), "ResNet101V2": (64, 3, 0)}


def run(name):
    least = LEAST_SIZE.get(name, 32)
    size = (least + 1, least + 21)
    gains = gains_of(name, size)
    with float64():
        logits, top = ends(name, size, gains)
    return {
        "options": {"name": name, **OPTIONS.get(name, {})},
        "gains": list(gains.values()),
        "size": list(size),
        "every": EVERY,
        "logits": rounded(logits[:, ::EVERY]),
        "outputs": rounded(top[:, ::EVERY]),
        "step": step(name, gains, CHOSEN[name][0] if name in CHOSEN else 64 if least == 32 else 128),
    }


def gains_of(name, size):
    """By layer, in the layers' order."""
    model = build(name=name, size=size, include_top=True, **OPTIONS.get(name, {}))
    x = preprocessed(name, picture(2, size))
    gains, logits = calibrated(model, x)
    assert_sensitive(model, x, logits)
    return {layer.name: gains[layer.name] for layer in models.flat(model.layers) if layer.name in gains}


@contextlib.contextmanager
def float64():
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def ends(name, size, gains):
    """What the last softmax is applied to, and what it gives."""
    model = build(name=name, size=size, include_top=True, **OPTIONS.get(name, {}))
    for layer in models.flat(model.layers):
        if layer.weights:
            pour(layer, gains.get(layer.name, 0))
    last = model.layers[-1]
    activation, last.activation = last.activation, keras.activations.linear
    logits = model(preprocessed(name, picture(2, size)), training=False)
    return np.asarray(logits), np.asarray(activation(logits))


def filled(layer, weight, gain, lift):
    """The formula's values; a kernel's times 2**gain, `lift` added to a beta."""
    name = models.short(layer, weight)
    values = made_up(layer, weight)
    if name in KERNELS:
        return values * np.float32(2.0**gain)
    return values + np.float32(lift) if name == "beta" else values


def pour(layer, gain, lift=0):
    layer.set_weights([filled(layer, w, gain, lift) for w in layer.weights])
    if type(layer).__name__ == "Normalization":
        layer.finalize_state()  # takes over its weights


def calibrated(model, x):
    """Fills the model layer by layer; the gains by layer, and what its last softmax was applied to."""
    gains = {}
    tensors = {id(model.inputs[0]): tf.constant(x)}
    operations = [o for o in model.operations if type(o).__name__ != "InputLayer"]
    for operation in operations:
        node = operation._inbound_nodes[0]
        args, kwargs = node.arguments.fill_in(tensors)
        if isinstance(operation, keras.Sequential):
            y = args[0]
            for layer in operation.layers:
                y, logits = run_filled(layer, (y,), {}, gains)
        elif isinstance(operation, keras.layers.Layer):
            y, logits = run_filled(operation, args, kwargs, gains)
        else:  # `x + 3`
            y = operation(*args, **kwargs)
        tensors[id(node.outputs[0])] = y
    return gains, np.asarray(logits)


def run_filled(layer, args, kwargs, gains):
    """What the layer gives once it is filled, and what its activation was applied to."""
    if not layer.weights:
        return layer(*args, **kwargs), args[0]
    activation = getattr(layer, "activation", None)
    if activation is not None:
        layer.activation = keras.activations.linear
    pour(layer, 0)
    y = layer(*args, **kwargs)
    if any(models.short(layer, w) in KERNELS for w in layer.weights):
        deviation = float(np.std(np.asarray(y, np.float64)))
        gains[layer.name] = int(np.round(-np.log2(deviation))) if deviation > 0 else 0
        pour(layer, gains[layer.name])
        y = layer(*args, **kwargs)
    if activation is None:
        return y, y
    layer.activation = activation
    return activation(y), y


def assert_sensitive(model, x, logits):
    """A picture that is a hundredth darker must be seen at the end, and nothing must have saturated."""
    inner = keras.Model(model.inputs, model.layers[-1].input)
    seen, darker = (np.asarray(inner(v, training=False)) for v in (x, x * np.float32(0.99)))
    change = np.abs(darker - seen).max() / np.abs(seen).max()
    assert change > 1e-3, f"{model.name} sees no difference: {change}"
    assert 0.1 < logits.std() < 10, f"{model.name}: {logits.std()}"


class Trainee:
    """A trunk with one dense layer, for one step of SGD with momentum; nothing is dropped."""

    def __init__(self, name, gains, side):
        trunk = build(name=name, size=(side, side), pooling="avg", **OPTIONS.get(name, {}))
        self.name, self.gains, self.size = name, gains, (side, side)
        self.model = keras.Model(trunk.inputs, keras.layers.Dense(CLASSES)(trunk.output))
        self.layers = list(models.flat(self.model.layers))
        for layer in self.layers:
            for rate in ("rate", "drop_path_rate"):
                if hasattr(layer, rate):
                    setattr(layer, rate, 0.0)
        self.trained = [w for layer in self.layers for w in layer.trainable_weights]
        self.names = [f"{a.name}/{models.short(a, w)}" for a in self.layers for w in a.trainable_weights]
        self.labels = np.arange(BATCH) % CLASSES

    def fill(self, lift):
        for layer in self.layers:
            if layer.weights:
                pour(layer, self.gains.get(layer.name, 0), lift)
        self.kept = [(w, np.asarray(w)) for w in self.model.non_trainable_weights]

    def pictures(self, number):
        return preprocessed(self.name, picture(BATCH, self.size, number))

    def loss(self, x):
        logits = self.model(x, training=True)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(self.labels, logits))

    def gradients(self, x):
        for w, value in self.kept:
            w.assign(value)
        with tf.GradientTape() as tape:
            loss = self.loss(x)
        return float(loss), [np.asarray(g) for g in tape.gradient(loss, [w.value for w in self.trained])]

    def averages(self):
        """After a step; name and sketch."""
        return [
            [f"{layer.name}/{models.short(layer, w)}", float(f"{sketch(layer.name, np.asarray(w))[1]:.6g}")]
            for layer in self.layers
            for w in layer.non_trainable_weights
            if models.short(layer, w).startswith("moving_")
        ]


def step(name, gains, side):
    """Loss and updates of one step, and the loss of the next."""
    single = Trainee(name, gains, side)
    with float64():
        double = Trainee(name, gains, side)
    lifted = any(n.endswith("/beta") for n in single.names)
    best = None
    trials = TRIALS if lifted else [(1, number) for number in range(6)]
    for lift, number in [CHOSEN[name][1:]] if name in CHOSEN else trials:
        for trainee in (single, double):
            trainee.fill(lift)
        with float64():
            loss, found = double.gradients(double.pictures(number))
        x = single.pictures(number)
        noise = uniforms("noise", x.size).reshape(x.shape) * np.float32(2.0**-20) * np.abs(x).max()
        others = [single.gradients(v)[1] for v in (x, x + noise, x - noise)]
        sketches = [[sketch(n, g) for g in all_] for n, *all_ in zip(single.names, found, *others)]
        spread = spread_of(single.names, sketches)
        print(f"  lift {lift}, pictures {number}: {spread:.2g}", flush=True)
        if best is None or spread < best[0]:
            best = (spread, lift, number, loss, found, [of_weight[0] for of_weight in sketches])
        if spread <= NEAR:
            break
    spread, lift, number, loss, found, sketches = best
    double.fill(lift)
    with float64():
        x = double.pictures(number)
        double.gradients(x)
        averages = double.averages()
        squares = sum(float(np.sum(np.square(g))) for g in found)
        rate = 2.0 ** np.floor(np.log2(0.1 * loss / squares))  # so that the loss falls by about a tenth
        for w, g in zip(double.trained, found):
            w.assign(w - rate * g)
        after = float(double.loss(x))
    return {
        "size": [side, side],
        "pictures": number,
        "batch": BATCH,
        "classes": CLASSES,
        "lift": lift,
        "learningRate": rate,
        "loss": float(f"{loss:.7g}"),
        "lossAfter": float(f"{after:.7g}"),
        "spread": float(f"{spread:.2g}"),
        "gradients": [[n, float(f"{norm:.3g}"), float(f"{p:.5g}")] for n, (norm, p) in zip(single.names, sketches)],
        "averages": averages,
    }


def spread_of(names, sketches):
    """How far others are at most from the first, each by its weight's scale, as runs.test.ts has it."""
    norms = {n: of_weight[0][0] for n, of_weight in zip(names, sketches)}
    largest = max(norms.values())

    def scale(name):
        kernel = norms.get(name.removesuffix("bias") + "kernel", 0) if name.endswith("bias") else 0
        return max(norms[name], 1e-2 * kernel, 1e-3 * largest)

    return max(abs(p - of_weight[0][1]) / scale(n) for n, of_weight in zip(names, sketches) for _, p in of_weight[1:])


def sketch(name, values):
    """The norm, and the product with made-up numbers, divided by the root of a third: as large as the norm."""
    flat = values.ravel().astype(np.float64)
    with_others = float(flat @ uniforms(f"sketch {name}", flat.size).astype(np.float64)) * np.sqrt(3)
    return float(np.sqrt(flat @ flat)), with_others


def main():
    stored = {}
    if os.path.exists(PATH):
        with gzip.open(PATH) as file:
            stored = {r["options"]["name"]: r for r in json.load(file)["runs"]}
    names = [name for name, _ in MODELS]
    for name in sys.argv[1:] or names:
        print(name, flush=True)
        stored[name] = run(name)
        versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
        runs = [stored[name] for name in names if name in stored]
        models.write("model-runs.json.gz", {"versions": versions, "runs": runs})


if __name__ == "__main__":
    main()
