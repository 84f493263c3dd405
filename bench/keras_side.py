"""The Keras side of the comparisons: one JSON line in, one out, until the input ends.

Started by dist/bench/*.js with GRAFT_BENCH_PYTHON; needs tensorflow, keras, numpy. Each `do` is a function of the same
name below. Costs are seconds {wall, cpu} of this process.
"""

import json
import resource
import struct
import sys
import time

import keras
import numpy as np

MODELS = {
    "MobileNetV2": (keras.applications.MobileNetV2, keras.applications.mobilenet_v2),
    "NASNetMobile": (keras.applications.NASNetMobile, keras.applications.nasnet),
    "EfficientNetB0": (keras.applications.EfficientNetB0, keras.applications.efficientnet),
    "ResNet50": (keras.applications.ResNet50, keras.applications.resnet),
    "InceptionV3": (keras.applications.InceptionV3, keras.applications.inception_v3),
}

state = {}


def stopwatch():
    """Starts; what it returns tells the cost since."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()

    def stop():
        wall = time.perf_counter() - start
        now = resource.getrusage(resource.RUSAGE_SELF)
        cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
        return {"wall": wall, "cpu": cpu}

    return stop


def measure(work):
    stop = stopwatch()
    work()
    return stop()


def safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data[about["data_offsets"][0] : about["data_offsets"][1]], "<f4").reshape(
            about["shape"]
        )
        for name, about in header.items()
    }


def load(model, weights, size, pooling=None):
    """Builds a model without its top and sets every weight by name."""
    build, module = MODELS[model]
    values = safetensors(weights)
    net = build(weights=None, include_top=False, input_shape=(size, size, 3), pooling=pooling)
    for layer in net.layers:
        layer.set_weights([values.pop(f"{layer.name}/{w.name}") for w in layer.weights])
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # takes over its weights
    assert not values, f"left over: {list(values)[:3]}"
    state.update(net=net, preprocess=module.preprocess_input, size=size)
    return {"weights": net.count_params()}


def pixels(file, batch):
    """The pictures of one batch, preprocessed ahead."""
    size = state["size"]
    raw = np.fromfile(file, np.uint8).reshape(batch, size, size, 3)
    state["batch"] = state["preprocess"](raw.astype(np.float32))
    return {}


def predict(batches, batch):
    x = np.concatenate([state["batch"]] * batches)
    return measure(lambda: state["net"].predict(x, batch_size=batch, verbose=0))


def features(file):
    """Writes the outputs for the pictures of `pixels`."""
    state["net"].predict(state["batch"], verbose=0).tofile(file)
    return {}


def stage(folder):
    """From files to features, as a notebook does it."""
    size = state["size"]

    def work():
        dataset = keras.utils.image_dataset_from_directory(
            folder, labels=None, image_size=(size, size), batch_size=32, shuffle=False, verbose=False
        )
        state["net"].predict(dataset.map(state["preprocess"]), verbose=0)

    return measure(work)


def head(features, labels, loss, optimizer, rate, width, batch, steps):
    """The loss of each training step of one Dense layer from zero weights, rows in their order, again and again."""
    y = np.fromfile(labels, np.uint32).astype(np.int64)
    x = np.fromfile(features, np.float32).reshape(len(y), -1)
    targets = y
    if loss == "BinaryCrossentropy":
        targets = y.astype(np.float32)[:, None]
    elif loss == "CategoricalCrossentropy":
        targets = np.eye(width, dtype=np.float32)[y]
    activation = "sigmoid" if width == 1 else "softmax"
    dense = keras.layers.Dense(width, activation, kernel_initializer="zeros")
    net = keras.Sequential([keras.Input(x.shape[1:]), dense])
    net.compile(loss=loss, optimizer=getattr(keras.optimizers, optimizer)(learning_rate=rate))
    losses = []
    for step in range(steps):
        start = step % (len(y) // batch) * batch
        rows = slice(start, start + batch)
        net.reset_metrics()
        losses.append(float(net.train_on_batch(x[rows], targets[rows])))
    return {"losses": losses}


def main():
    answers = {f.__name__: f for f in (load, pixels, predict, features, stage, head)}
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(answers[question.pop("do")](**question)), flush=True)


if __name__ == "__main__":
    main()
