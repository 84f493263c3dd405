"""Goldens of running the base models: outputs, and one training step, from Keras.

Ran on Keras 3.15.1, TensorFlow 2.21.0, numpy 2.x. From the repository's root, for all models (half an hour) or some:

    python test/golden/model_runs.py [NAME ...]

Writes test/golden/model-runs.json.gz; the runs of models that are not named stay what they are. Weights and pictures
come from the formulas of models.py on both sides. So that nothing vanishes or blows up on the way through many layers,
each kernel is multiplied by a power of two, which is stored (`gains`, in the layers' order): the one that brings what
its layer gives to a deviation of about 1.
"""

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
EVERY = 10
# Added to every beta in training: with more of each relu open, roundings do not grow to something visible.
LIFT = 1


def run(name):
    options = OPTIONS.get(name, {})
    least = LEAST_SIZE.get(name, 32)
    model = build(name=name, size=(least + 1, least + 21), include_top=True, **options)
    x = preprocessed(name, picture(2, (least + 1, least + 21)))
    gains, logits, top = calibrated(model, x)
    assert_sensitive(model, x, logits)
    record = {
        "options": {"name": name, **options},
        "gains": [gains[layer.name] for layer in models.flat(model.layers) if layer.name in gains],
        "size": [least + 1, least + 21],
        "every": EVERY,
        "logits": rounded(logits[:, ::EVERY]),
        "outputs": rounded(top[:, ::EVERY]),
    }
    side = 64 if least == 32 else 128
    trunk = build(name=name, size=(side, side), pooling="avg", **options)
    record["step"] = step(name, trunk, gains, side)
    return record


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
    """Fills the model layer by layer; the gains by layer, and what its last softmax was applied to and gives."""
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
    return gains, np.asarray(logits), np.asarray(y)


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


def step(name, trunk, gains, side):
    """Loss and updates of one step of SGD with momentum, dropout off, and the loss of the next."""
    y = keras.layers.Dense(CLASSES)(trunk.output)
    model = keras.Model(trunk.inputs, y)
    layers = list(models.flat(model.layers))
    for layer in layers:
        if layer.weights:
            pour(layer, gains.get(layer.name, 0), LIFT)
        for rate in ("rate", "drop_path_rate"):
            if hasattr(layer, rate):
                setattr(layer, rate, 0.0)
    x = preprocessed(name, picture(4, (side, side)))
    labels = np.arange(4) % CLASSES
    start = [np.asarray(w) for w in model.weights]

    def gradients(pixels):
        for w, value in zip(model.weights, start):
            w.assign(value)
        with tf.GradientTape() as tape:
            logits = model(pixels, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        found = tape.gradient(loss, [w.value for w in model.trainable_weights])
        moved = [np.asarray(w) for w in model.non_trainable_weights]
        return float(loss), [np.asarray(g) for g in found], moved

    loss, found, moved = gradients(x)
    squares = sum(float(np.sum(np.square(g, dtype=np.float64))) for g in found)
    rate = 2.0 ** np.floor(np.log2(0.1 * loss / squares))  # so that the loss falls by about a tenth
    names = [f"{layer.name}/{models.short(layer, w)}" for layer in layers for w in layer.trainable_weights]
    of = dict(zip((id(w) for w in model.trainable_weights), found))
    order = [w for layer in layers for w in layer.trainable_weights]
    sketches = [sketch(n, of[id(w)]) for n, w in zip(names, order)]
    # Keras from itself, the pictures changed by as much as some layers' roundings
    noise = uniforms("noise", x.size).reshape(x.shape) * np.float32(2.0**-20)
    _, again, _ = gradients(x + noise * np.abs(x).max())
    of = dict(zip((id(w) for w in model.trainable_weights), again))
    others = [sketch(n, of[id(w)]) for n, w in zip(names, order)]
    floor = 1e-3 * max(norm for norm, _ in sketches)
    spread = max(abs(p - q) / max(norm, floor) for (norm, p), (_, q) in zip(sketches, others))
    averages = {id(w): value for w, value in zip(model.non_trainable_weights, moved)}
    for w, value, g in zip(model.trainable_weights, [s for w, s in zip(model.weights, start) if w.trainable], found):
        w.assign(value - np.float32(rate) * g)
    after = model(x, training=True)
    after = float(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, after)))
    return {
        "size": [side, side],
        "batch": 4,
        "classes": CLASSES,
        "lift": LIFT,
        "learningRate": rate,
        "loss": float(f"{loss:.7g}"),
        "lossAfter": float(f"{after:.7g}"),
        "spread": float(f"{spread:.2g}"),
        "gradients": [[n, float(f"{norm:.3g}"), float(f"{p:.5g}")] for n, (norm, p) in zip(names, sketches)],
        "averages": [
            [f"{layer.name}/{models.short(layer, w)}", float(f"{sketch(layer.name, averages[id(w)])[1]:.6g}")]
            for layer in layers
            for w in layer.non_trainable_weights
            if models.short(layer, w).startswith("moving_")
        ],
    }


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
