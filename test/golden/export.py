"""Goldens of `pipeline export`: a network with every layer that files may hold, as Keras itself saves it.

Ran on Keras 3.15.1, TensorFlow 2.21.0. From the repository's root:

    python test/golden/export.py

Writes test/golden/export.json.gz: config.json of the .keras file, the datasets of its model.weights.h5, and what the network
gives for a made-up picture with made-up weights, which both sides compute from a formula.
"""

import gzip
import json
import os
import tempfile
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402
from keras.src.applications import convnext, inception_resnet_v2  # noqa: E402

from models import HERE, picture, pour  # noqa: E402

ACTIVATIONS = """linear relu relu6 leaky_relu elu selu silu gelu hard_sigmoid hard_silu sigmoid tanh softplus
softsign""".split()


def zoo(size):
    inputs = x = layers.Input((size, size, 3))
    x = layers.Rescaling([1 / 255, 1 / 200, 1 / 100], [0, -0.1, 0.2])(x)
    x = layers.Normalization()(x)
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="hard_silu", name="stem")(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    for activation in ACTIVATIONS:
        x = layers.Activation(activation)(x)
    x = layers.LeakyReLU(0.1)(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.PReLU()(x)
    elu = layers.ELU(0.5)(x)
    x = layers.Subtract()([layers.ELU()(x), elu])
    x = layers.Average()([x, elu])
    x = layers.Minimum()([layers.Maximum()([x, elu]), x])
    y = layers.ZeroPadding2D(((1, 2), (3, 0)))(x)
    y = layers.Cropping2D(((1, 2), (3, 0)))(y)
    y = layers.Conv2D(16, 7, groups=16, padding="same")(y)
    y = convnext.LayerScale(1e-6, 16)(y)
    y = convnext.StochasticDepth(0.1)(y)
    x = layers.Add()([x, y])
    x = inception_resnet_v2.CustomScaleLayer(0.2)([x, y])
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Conv2D(16, 1, activation="hard_sigmoid")(s)
    x = layers.Multiply()([x, s])
    x = layers.Conv2D(32, 3, groups=16, activation="leaky_relu", use_bias=False)(x)
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", activation="gelu", depth_multiplier=2)(x)
    x = layers.SeparableConv2D(8, 3, padding="same", activation="elu", depth_multiplier=2)(x)
    x = layers.Concatenate()([x, x])
    x = layers.ReLU(3.0)(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    x = layers.Dropout(0.2, noise_shape=(None, 1, 1, 1))(x)
    x = layers.Flatten()(x)
    x = layers.Reshape((-1, 2, 4))(x)
    x = layers.GlobalMaxPooling2D(keepdims=True)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(3, activation="softmax", kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2))(x)
    return keras.Model(inputs, x, name="zoo")


def saved(model):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        with zipfile.ZipFile(path) as file:
            config = json.loads(file.read("config.json"))
            file.extract("model.weights.h5", folder)
        datasets = []

        def note(name, item):
            if isinstance(item, h5py.Dataset):
                datasets.append([name, list(item.shape)])

        with h5py.File(os.path.join(folder, "model.weights.h5")) as weights:
            weights.visititems(note)
    return config, datasets


def golden():
    size = 40
    model = zoo(size)
    pour(model)
    config, datasets = saved(model)
    outputs = model.predict(picture(2, (size, size)), verbose=0)
    record = {
        "versions": {"keras": keras.__version__, "numpy": np.__version__},
        "size": size,
        "config": config,
        "datasets": sorted(datasets),
        "outputs": [float(v) for v in outputs.reshape(-1)],
    }
    with open(os.path.join(HERE, "export.json.gz"), "wb") as file:
        file.write(gzip.compress(json.dumps(record).encode(), 9, mtime=0))


if __name__ == "__main__":
    golden()
