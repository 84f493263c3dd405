"""The Keras side of the benches of training: one JSON line in, one out, until the input ends.

Started by dist/bench/*.js with GRAFT_BENCH_PYTHON. Each `do` is a function of the same name below. Models are frozen the
way notebooks do it: `for layer in base.layers[:first]: layer.trainable = False`, compiled after.
"""

import json
import struct
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_side import MODELS, safetensors, stopwatch

state = {}


def write_safetensors(path, values):
    header, offset = {}, 0
    for name, data in values.items():
        end = offset + 4 * data.size
        header[name] = {"dtype": "F32", "shape": list(data.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for data in values.values():
            file.write(np.ascontiguousarray(data, "<f4").tobytes())


def head_layer(layer, name):
    if isinstance(layer, str):
        return getattr(keras.layers, layer)(name=name)
    ((kind, settings),) = layer.items()
    known = {key: settings[key] for key in ("units", "activation", "rate") if key in settings}
    return getattr(keras.layers, kind)(**known, name=name)


def build(model, size, first, head, names, weights, loss, optimizer, rate, alpha=1.0):
    """Trunk and head with every weight from a file; the first so many layers frozen; compiled."""
    keras.backend.clear_session()
    make, module = MODELS[model]
    more = {"alpha": alpha} if alpha != 1 else {}
    base = make(weights=None, include_top=False, input_shape=(size, size, 3), **more)
    for layer in base.layers[:first]:
        layer.trainable = False
    x = base.output
    for layer, name in zip(head, names, strict=True):
        x = head_layer(layer, name)(x)
    net = keras.Model(base.input, x)
    values = safetensors(weights)
    for layer in net.layers:
        layer.set_weights([values.pop(f"{layer.name}/{w.name}") for w in layer.weights])
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # takes over its weights
    assert not values, f"left over: {list(values)[:3]}"
    rule = getattr(keras.optimizers, optimizer)(learning_rate=rate)
    net.compile(loss=loss, optimizer=rule, metrics=["accuracy"])
    state.update(net=net, base=base, preprocess=module.preprocess_input, size=size, loss=loss)
    return {"trainable": int(sum(np.prod(w.shape) for w in net.trainable_weights))}


def examples(pixels, labels):
    """Preprocessed pictures and targets as the loss takes them, in the order of the files."""
    net, size = state["net"], state["size"]
    y = np.fromfile(labels, np.uint32).astype(np.int64)
    raw = np.fromfile(pixels, np.uint8).reshape(len(y), size, size, 3)
    width = net.output_shape[-1]
    if state["loss"] == "BinaryCrossentropy":
        y = y.astype(np.float32)[:, None]
    elif state["loss"] == "CategoricalCrossentropy":
        y = np.eye(width, dtype=np.float32)[y]
    return raw, y


def steps(pixels, labels, batch, steps, out):
    """The loss of each training step, batches in their order, again and again; then every weight, into a file."""
    net, preprocess = state["net"], state["preprocess"]
    raw, y = examples(pixels, labels)
    losses = []
    for step in range(steps):
        start = step % (len(y) // batch) * batch
        rows = slice(start, start + batch)
        net.reset_metrics()
        x = preprocess(raw[rows].astype(np.float32))
        losses.append(float(net.train_on_batch(x, y[rows])[0]))
    values = {f"{layer.name}/{w.name}": w.numpy() for layer in net.layers for w in layer.weights}
    write_safetensors(out, values)
    return {"losses": losses}


def data(pixels, labels):
    """Keeps the preprocessed pictures in memory, as float32: no pass has anything to decode or to convert."""
    raw, y = examples(pixels, labels)
    state["data"] = state["preprocess"](raw.astype(np.float32)), y
    return {}


class EpochCost(keras.callbacks.Callback):
    """Times the epoch alone, without what `fit` prepares and tidies up."""

    def on_epoch_begin(self, epoch, logs=None):
        self.stop = stopwatch()

    def on_epoch_end(self, epoch, logs=None):
        self.cost = self.stop()


def epoch(batch, form):
    """One epoch of `fit` over `data`, in its order: over the arrays, or over a Dataset of them."""
    x, y = state["data"]
    timer = EpochCost()
    if form == "arrays":
        state["net"].fit(x, y, batch_size=batch, shuffle=False, verbose=0, callbacks=[timer])
        return timer.cost
    if state.get("dataset_of") is not state["data"]:
        slices = tf.data.Dataset.from_tensor_slices((x, y))
        dataset = slices.batch(batch, drop_remainder=True).prefetch(tf.data.AUTOTUNE)
        state.update(dataset=dataset, dataset_of=state["data"])
    state["net"].fit(state["dataset"], verbose=0, callbacks=[timer])
    return timer.cost


def main():
    answers = {f.__name__: f for f in (build, steps, data, epoch)}
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(answers[question.pop("do")](**question)), flush=True)


if __name__ == "__main__":
    main()
