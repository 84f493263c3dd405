"""The TensorFlow side of the benches of SavedModels: one JSON line in, one out, until the input ends.

Started by dist/bench/saved-model*.js with GRAFT_BENCH_PYTHON; needs tensorflow, keras, numpy. Each `do` is a function of
the same name below.
"""

import json
import os
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_steps import write_safetensors
from keras_side import safetensors

loaded = {}


class Reusable(tf.__internal__.tracking.AutoTrackable):
    """What TF Hub calls a reusable SavedModel."""


def network(name, size, chance, **settings):
    """A network of keras.applications from random weights, its averages and factors too."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(7)
    net = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), **settings)
    for layer in net.layers:
        if not chance and isinstance(layer, keras.layers.Dropout):
            layer.rate = 0
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([w + rng.uniform(-0.2, 0.2, w.shape) for w in layer.get_weights()])
    return net


def traced(call, size):
    """Once with training and once without."""
    for training in (True, False):
        spec = tf.TensorSpec([None, size, size, 3], name="pictures")
        call.get_concrete_function(spec, training=training)


def make(name, form, size, folder, chance=True):
    """Saves a network in one of the forms of `forms`, to be fed 0..255."""
    loaded.clear()
    forms[form](name, size, folder, chance)
    return {}


def exported(name, size, folder, chance):
    """By Keras 3, with its top."""
    network(name, size, chance).export(folder, verbose=False)


def module(name, size, folder, chance):
    """A tf.Module that runs the network, with its top."""
    net = network(name, size, chance)

    class Module(tf.Module):
        def __init__(self):
            self.values = [v.value for v in net.variables]

        @tf.function
        def __call__(self, pictures, training=False):
            return net(pictures, training=training)

    made = Module()
    traced(made.__call__, size)
    tf.saved_model.save(made, folder)


def hub(name, size, folder, chance):
    """A feature vector, with what TF Hub asks of a module."""
    net = network(name, size, chance, include_top=False, pooling="avg")
    made = Reusable()
    made.__call__ = tf.function(lambda pictures, training=False: net(pictures, training=training))
    traced(made.__call__, size)
    made.trainable_variables = [v.value for v in net.trainable_variables]
    made.variables = [v.value for v in net.variables]
    kernel = next(v.value for v in net.trainable_variables if v.name == "kernel")
    penalty = tf.function(lambda: 1e-4 * tf.nn.l2_loss(kernel), input_signature=[])
    made.regularization_losses = [penalty]
    tf.saved_model.save(made, folder)


forms = {"export": exported, "module": module, "hub": hub}


def load(folder, tags):
    """Once; the last one is kept."""
    key = json.dumps([folder, tags])
    if key not in loaded:
        loaded.clear()
        loaded[key] = tf.saved_model.load(folder, tags=tags)
    return loaded[key]


def called(module, inputs, training):
    try:
        return module(*inputs, training=training)
    except (TypeError, ValueError):  # it never asks
        return module(*inputs)


def leaves(value, path=()):
    """The tensors within lists and dictionaries, by the way to them."""
    if isinstance(value, dict):
        return {k: v for key in sorted(value) for k, v in leaves(value[key], (*path, key)).items()}
    if isinstance(value, (list, tuple)):
        return {k: v for i, one in enumerate(value) for k, v in leaves(one, (*path, str(i))).items()}
    return {"/".join(path) or "default": value}


def call(folder, tags, signature, inputs, high, out):
    """Runs a function on numbers up to `high`; they and its outputs become files of float32 in `out`."""
    saved = load(folder, tags)
    function = None if signature == "__call__" else saved.signatures[signature]
    traced = saved.__call__.concrete_functions if function is None else [function]
    specs = [s for f in traced for s in tf.nest.flatten(f.structured_input_signature)]
    dtypes = {s.name: s.dtype for s in specs if isinstance(s, tf.TensorSpec)}
    rng = np.random.default_rng(3)
    feeds = {}
    for i, one in enumerate(inputs):
        dtype = dtypes[one["name"]]
        if dtype == tf.string:
            return {"strings": one["name"]}
        values = rng.random(one["shape"]) * (high if dtype.is_floating else 100)
        feeds[one["name"]] = tf.constant(values.astype(dtype.as_numpy_dtype))
        feeds[one["name"]].numpy().astype(np.float32).tofile(os.path.join(out, f"input {i}"))
    if function is None:
        outputs = leaves(called(saved, feeds.values(), False))
    else:
        outputs = function(**feeds)
    for i, value in enumerate(outputs.values()):
        value.numpy().astype(np.float32).tofile(os.path.join(out, f"output {i}"))
    return {"outputs": list(outputs)}


def tune(folder, pixels, labels, size, scale, offset, head, nudged, optimizer, rate, batch, out):
    """
    The loss of each step with nothing frozen, batches in their order, one pass; then every variable and the head, into a file.
    `nudged`: from weights of which each but zeros is one unit in the last place off, up or down.
    """
    saved = tf.saved_model.load(folder)
    y = np.fromfile(labels, np.uint32).astype(np.int64)
    raw = np.fromfile(pixels, np.uint8).reshape(len(y), size, size, 3)
    dense = safetensors(head)
    kernel, bias = (tf.Variable(dense[f"dense/{name}"]) for name in ("kernel", "bias"))
    if nudged:
        rng = np.random.default_rng(5)
        for v in [*saved.variables, kernel, bias]:
            if v.dtype == tf.float32:
                up = np.where(rng.random(v.shape) < 0.5, np.float32(np.inf), np.float32(-np.inf))
                values = v.numpy()
                # Zeros stay: beside them no difference is small.
                v.assign(np.where(values == 0, values, np.nextafter(values, up, dtype=np.float32)))
    trained = [*saved.trainable_variables, kernel, bias]
    rule = getattr(keras.optimizers, optimizer)(learning_rate=rate)
    rule.build(trained)

    @tf.function
    def step(x, y):
        x = tf.cast(x, tf.float32) * scale + offset
        with tf.GradientTape() as tape:
            features = leaves(called(saved, [x], True))
            features = features.get("default", next(iter(features.values())))
            if len(features.shape) == 4:
                features = tf.reduce_mean(features, [1, 2])
            logits = tf.matmul(features, kernel) + bias
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
            for penalty in getattr(saved, "regularization_losses", []):
                loss += penalty()
        rule.apply(tape.gradient(loss, trained), trained)
        return loss

    losses = []
    for start in range(0, len(y), batch):
        rows = slice(start, start + batch)
        losses.append(float(step(tf.constant(raw[rows]), tf.constant(y[rows]))))
    after = {"dense/kernel": kernel.numpy(), "dense/bias": bias.numpy()}
    for v in saved.variables:
        name = "keras_layer/" + v.name.removesuffix(":0")
        assert name not in after, f"two variables {name}"
        if v.dtype == tf.float32:
            after[name] = v.numpy()
    write_safetensors(out, after)
    return {"losses": losses}


def main():
    answers = {f.__name__: f for f in (make, call, tune)}
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(answers[question.pop("do")](**question)), flush=True)


if __name__ == "__main__":
    main()
