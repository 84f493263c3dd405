"""Writes whole models as Keras writes them (test/fixtures/model-files/*.gz), and what Keras makes of them.

Ran on Keras 3.15.1 (TensorFlow 2.21.0), and for Keras 2 on tf_keras 2.21.0 in an environment of its own; each run
replaces its own files and its own part of model-files.json:

    python test/golden/model-files.py keras
    python test/golden/model-files.py tf_keras
"""

import gzip
import importlib
import json
import os
import shutil
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "fixtures", "model-files")
PATH = os.path.join(HERE, "model-files.json")

FLAVOUR = sys.argv[1]
KERAS3 = FLAVOUR == "keras"
keras = importlib.import_module(FLAVOUR)
layers = keras.layers
source = "keras.src" if KERAS3 else "tf_keras.src"
convnext = importlib.import_module(f"{source}.applications.convnext")
SIZE = (12, 10)


def picture(batch):
    """As models.py makes it up."""
    index = np.arange(batch * SIZE[0] * SIZE[1] * 3, dtype=np.uint64)
    start = 2166136261
    for byte in b"picture":
        start = ((start ^ byte) * 16777619) & 0xFFFFFFFF
    x = (index * 2654435761 + start) & 0xFFFFFFFF
    x ^= x >> 16
    x = (x * 2246822519) & 0xFFFFFFFF
    x ^= x >> 13
    x = (x * 3266489917) & 0xFFFFFFFF
    x ^= x >> 16
    values = (x >> 8).astype(np.float64) / 2**23 - 1
    return np.floor((values + 1) * 128).astype(np.float32).reshape(batch, *SIZE, 3)


def sequential():
    return keras.Sequential(
        [
            layers.InputLayer(input_shape=(*SIZE, 3)) if not KERAS3 else keras.Input((*SIZE, 3)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.DepthwiseConv2D((3, 2), padding="same", depth_multiplier=2),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(5, 3, activation="tanh"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ],
        name="plain",
    )


def unlisted():
    """A Sequential without an InputLayer, and with what acts in training only."""
    return keras.Sequential(
        [
            layers.RandomFlip("horizontal", input_shape=(*SIZE, 3)),
            layers.Conv2D(2, 3, strides=2),
            layers.GaussianNoise(0.1),
            layers.SpatialDropout2D(0.2),
            layers.Activation("softplus"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(2),
        ]
    )


def functional():
    i = keras.Input((*SIZE, 3), name="pixels")
    x = layers.Rescaling([1 / 64, 1 / 128, 1 / 255], offset=[-1, 0, -0.5])(i)
    x = layers.Normalization()(x)
    x = layers.ZeroPadding2D(((0, 1), (2, 1)))(x)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False, kernel_initializer="he_normal", name="stem")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-4, scale=False)(x)
    x = layers.ReLU(max_value=6)(x)
    shared = layers.Activation("relu", name="shared")
    a = layers.Conv2D(8, 3, padding="same", groups=4)(shared(x))
    a = layers.LayerNormalization(epsilon=1e-6)(a)
    a = convnext.LayerScale(0.5, 8, name="scale")(a)
    a = convnext.StochasticDepth(0.2, name="depth")(a)
    squeeze = layers.GlobalAveragePooling2D()(a)
    squeeze = layers.Reshape((1, 1, 8))(squeeze)
    squeeze = layers.Conv2D(8, 1, activation="sigmoid")(squeeze)
    a = layers.Multiply()([a, squeeze])
    a = layers.Dropout(0.2, noise_shape=(None, 1, 1, 1))(a)
    b = layers.AveragePooling2D(3, strides=1, padding="same")(shared(a))
    x = layers.Add()([x, a, b])
    c = layers.Cropping2D(((1, 0), (0, 2)))(x)
    d = layers.MaxPooling2D(2, strides=1)(x)
    d = layers.Cropping2D(((0, 0), (0, 1)))(d)
    x = layers.Concatenate()([c, d])
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(6, activation="gelu")(x)
    x = layers.Dense(4)(x)
    return keras.Model(i, layers.Softmax()(x), name="branches")


def base(name):
    i = keras.Input((*SIZE, 3))
    x = layers.Conv2D(4, 3, name="c1")(i)
    x = layers.BatchNormalization(name="b1")(x)
    x = layers.Conv2D(4, 3, padding="same", name="c2")(x)
    y = layers.BatchNormalization(name="b2")(x)
    y = layers.Conv2D(4, 3, padding="same", name="c3")(y)
    m = keras.Model(i, layers.Add(name="sum")([x, y]), name=name)
    # Keras writes the weights of a nested model's trainable layers before those of its frozen ones.
    m.get_layer("c2").trainable = False
    m.get_layer("b2").trainable = False
    return m


def nested():
    """As TensorFlow's tutorial puts a head on a base model."""
    i = keras.Input((*SIZE, 3))
    x = keras.applications.mobilenet_v2.preprocess_input(i)
    x = base("base")(x, training=False)
    x = 1 - x * 2.0
    tail = keras.Sequential(
        [keras.Input((10, 8, 4)), layers.Conv2D(3, 3, name="c1"), layers.GlobalAveragePooling2D()], name="tail"
    )
    x = tail(x)
    x = layers.Dense(3, name="c2")(x)
    return keras.Model(i, x, name="outer")


def stacked():
    """As Teachable Machine does."""
    trunk = keras.Sequential([base("trunk"), layers.GlobalAveragePooling2D()])
    head = keras.Sequential([layers.Dense(5, activation="relu", input_shape=(4,)), layers.Dense(2, use_bias=False)])
    return keras.Sequential([trunk, head], name="stacked")


def poured(model):
    rng = np.random.default_rng(8)
    values = []
    for w in model.get_weights():
        # Variances are positive, and so are gammas; the counter of a Normalization stays.
        values.append(w if w.dtype.kind != "f" else rng.uniform(0.2, 1.0, w.shape).astype("float32") * (1 if w.ndim < 2 else 0.4))
    model.set_weights(values)
    return model


def pack(path, name):
    with open(path, "rb") as file, open(os.path.join(OUT, f"{name}.gz"), "wb") as out:
        out.write(gzip.compress(file.read(), 9, mtime=0))


golden = {}
if os.path.exists(PATH):
    with open(PATH) as file:
        golden = json.load(file)
golden = {name: part for name, part in golden.items() if part["keras"] != keras.__version__}
os.makedirs(OUT, exist_ok=True)
folder = tempfile.mkdtemp()
for build in (sequential, unlisted, functional, nested, stacked):
    keras.backend.clear_session()
    model = poured(build())
    listed = [layer.name for layer in model.layers]
    stem = build.__name__ + ("" if KERAS3 else "-keras2")
    for ending in ("keras", "h5", "weights.h5"):
        name = f"{stem}.{ending}"
        path = os.path.join(folder, name)
        (model.save_weights if ending == "weights.h5" else model.save)(path)
        pack(path, name)
        golden[name] = {"keras": keras.__version__, "layers": listed}
        if ending == "keras":
            # Read again, as a Normalization takes its weights only then. (Keras 3 cannot read its own nested.h5.)
            own = {"LayerScale": convnext.LayerScale, "StochasticDepth": convnext.StochasticDepth}
            loaded = keras.models.load_model(path, custom_objects=own)
            output = [float(f"{v:.7g}") for v in np.asarray(loaded(picture(2), training=False)).ravel()]
        if ending != "weights.h5":
            golden[name]["output"] = output
shutil.rmtree(folder)
with open(PATH, "w") as file:
    file.write("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(golden[name])}" for name in sorted(golden)) + "\n}\n")
