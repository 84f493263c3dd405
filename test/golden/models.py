"""Goldens of the base models: layer lists and outputs, from Keras.

Ran on Keras 3.15.1, TensorFlow 2.21.0, numpy 2.x. From the repository's root:

    python test/golden/models.py

Writes test/golden/models.json.gz (for each model its layers in Keras' order: name, class, output shape,
weights) and test/golden/model-outputs.json.gz (outputs of models and of single layers on made-up pictures with
made-up weights, which both sides compute from a formula).
"""

import gzip
import hashlib
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402
from keras.src.applications import convnext  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def efficientnet_lite0(input_shape, include_top, pooling=None):
    """EfficientNet-Lite0 with the layer names of keras.applications' EfficientNetB0."""
    initializer = keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")

    def conv(x, filters, size, stride, name):
        return layers.Conv2D(
            filters,
            size,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer=initializer,
            name=name,
        )(x)

    def bn(x, name):
        return layers.BatchNormalization(epsilon=1e-3, name=name)(x)

    def act(x, name):
        return layers.Activation("relu6", name=name)(x)

    inputs = layers.Input(input_shape)
    x = act(bn(conv(inputs, 32, 3, 2, "stem_conv"), "stem_bn"), "stem_activation")
    stages = [
        (1, 1, 1, 3, 16),
        (2, 6, 2, 3, 24),
        (2, 6, 2, 5, 40),
        (3, 6, 2, 3, 80),
        (3, 6, 1, 5, 112),
        (4, 6, 2, 5, 192),
        (1, 6, 1, 3, 320),
    ]
    for i, (repeats, expansion, first_stride, kernel, filters) in enumerate(stages):
        for j in range(repeats):
            name = f"block{i + 1}{chr(ord('a') + j)}_"
            stride = first_stride if j == 0 else 1
            shortcut = x
            if expansion != 1:
                x = conv(x, x.shape[-1] * expansion, 1, 1, name + "expand_conv")
                x = act(bn(x, name + "expand_bn"), name + "expand_activation")
            x = layers.DepthwiseConv2D(
                kernel,
                strides=stride,
                padding="same",
                use_bias=False,
                depthwise_initializer=initializer,
                name=name + "dwconv",
            )(x)
            x = act(bn(x, name + "bn"), name + "activation")
            x = bn(conv(x, filters, 1, 1, name + "project_conv"), name + "project_bn")
            if j > 0:
                x = layers.Add(name=name + "add")([x, shortcut])
    x = act(bn(conv(x, 1280, 1, 1, "top_conv"), "top_bn"), "top_activation")
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(1000, activation="softmax", name="predictions")(x)
    elif pooling == "avg":
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    elif pooling == "max":
        x = layers.GlobalMaxPooling2D(name="max_pool")(x)
    return keras.Model(inputs, x, name="efficientnet-lite0")


def build(name, size=(224, 224), include_top=False, pooling="none", alpha=None):
    """One model, its automatic names counted from the start."""
    keras.backend.clear_session()
    pool = None if pooling == "none" else pooling
    shape = (*size, 3)
    if name == "EfficientNetLite0":
        return efficientnet_lite0(shape, include_top, pool)
    more = {} if alpha is None else {"alpha": alpha}
    return getattr(keras.applications, name)(
        weights=None, include_top=include_top, input_shape=shape, pooling=pool, **more
    )


def short(layer, weight):
    """The weight's own name; LayerScale's has an automatic one."""
    return "gamma" if type(layer).__name__ == "LayerScale" else weight.path.split("/")[-1]


def short_names(layer):
    return [
        f"{short(layer, w)}{'' if w.trainable else '!'}[{','.join(map(str, w.shape))}]"
        for w in layer.weights
    ]


def line(layer):
    """`name Class [output shape] weight[shape] ...`; a weight that is no trainable one ends its name with `!`."""
    shape = layer.output.shape[1:]
    return " ".join([layer.name, type(layer).__name__, f"[{','.join(map(str, shape))}]", *short_names(layer)])


VARIANTS = [
    {"name": "NASNetMobile"},
    {"name": "NASNetMobile", "include_top": True},
    {"name": "NASNetMobile", "size": (96, 131), "pooling": "max"},
    {"name": "NASNetMobile", "size": (32, 32), "pooling": "avg"},
    *({"name": "MobileNetV2", "alpha": a} for a in (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)),
    {"name": "MobileNetV2", "alpha": 1.0, "include_top": True},
    {"name": "MobileNetV2", "alpha": 1.4, "include_top": True, "size": (160, 160)},
    {"name": "MobileNetV2", "alpha": 0.35, "size": (101, 64), "pooling": "avg"},
    {"name": "EfficientNetLite0"},
    {"name": "EfficientNetLite0", "include_top": True},
    {"name": "EfficientNetLite0", "size": (75, 97), "pooling": "max"},
]

FROZEN_FIRST = {"NASNetMobile": [600, 599, 1], "MobileNetV2": [100], "EfficientNetLite0": [70]}


def option_names(variant):
    """As buildBaseModel spells them."""
    spelled = {"name": variant["name"]}
    if "include_top" in variant:
        spelled["includeTop"] = variant["include_top"]
    if "pooling" in variant:
        spelled["pooling"] = variant["pooling"]
    if "alpha" in variant:
        spelled["alpha"] = variant["alpha"]
    if "size" in variant:
        spelled["inputShape"] = [*variant["size"], 3]
    return spelled


def topology(variant):
    model = build(**variant)
    lines = [line(layer) for layer in model.layers]
    record = {
        "options": option_names(variant),
        "model": model.name,
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        "layers": len(lines),
        "parameters": model.count_params(),
        "trainableWeights": len(model.trainable_weights),
        "lines": lines,
    }
    if len(variant) == 1 or variant == {"name": "MobileNetV2", "alpha": 1.0}:
        record["frozenFirst"] = [freeze(variant, n) for n in FROZEN_FIRST[variant["name"]]]
    return record


def freeze(variant, first):
    model = build(**variant)
    for layer in model.layers[:first]:
        layer.trainable = False
    return {
        "first": first,
        "trainableWeights": len(model.trainable_weights),
        "trainableParameters": int(sum(np.prod(w.shape) for w in model.trainable_weights)),
        "parameters": model.count_params(),
    }


# Weights and pictures that both sides compute


def hash32(text):
    """FNV-1a."""
    value = 2166136261
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def uniforms(name, count):
    """[-1, 1): a multiplicative hash of (name, index), exact in float32."""
    index = np.arange(count, dtype=np.uint64)
    x = (index * 2654435761 + hash32(name)) & 0xFFFFFFFF
    x ^= x >> 16
    x = (x * 2246822519) & 0xFFFFFFFF
    x ^= x >> 13
    x = (x * 3266489917) & 0xFFFFFFFF
    x ^= x >> 16
    return ((x >> 8).astype(np.float64) / 2**23 - 1).astype(np.float32)


def made_up(layer, weight):
    name = short(layer, weight)
    values = uniforms(f"{layer.name}/{name}", int(np.prod(weight.shape)))
    if name in ("gamma", "moving_variance", "variance"):
        values = np.float32(1) + values * np.float32(0.5)
    elif name in ("beta", "moving_mean", "mean", "bias", "count", "alpha"):
        values = values * np.float32(0.25)
    else:  # kernels: about unit gain
        channels = weight.shape[-1]
        if name == "depthwise_kernel" or type(layer).__name__ == "DepthwiseConv2D":
            channels = int(np.prod(weight.shape[-2:]))
        fan_in = np.prod(weight.shape) / channels
        values = values * np.float32(np.sqrt(6.0 / fan_in))
    return values.reshape(weight.shape)


def pour(model):
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([made_up(layer, w) for w in layer.weights])
        if type(layer).__name__ == "Normalization":
            layer.finalize_state()  # takes over its weights


def picture(batch, size):
    values = uniforms("picture", batch * size[0] * size[1] * 3)
    return np.floor((values + 1) * 128).astype(np.float32).reshape(batch, *size, 3)


OUTPUTS = [
    {"name": "NASNetMobile", "size": (96, 96), "pooling": "avg"},
    {"name": "NASNetMobile", "size": (65, 78), "include_top": True},
    {"name": "MobileNetV2", "alpha": 0.35, "size": (96, 96), "pooling": "avg"},
    {"name": "MobileNetV2", "alpha": 1.0, "size": (75, 90), "include_top": True},
    {"name": "EfficientNetLite0", "size": (96, 96), "pooling": "avg"},
    {"name": "EfficientNetLite0", "size": (81, 66), "include_top": True},
]

PREPROCESS = {
    "NASNetMobile": lambda x: x / 127.5 - 1.0,
    "MobileNetV2": lambda x: x / 127.5 - 1.0,
    "EfficientNetLite0": lambda x: (x - 127.0) / 128.0,
}


def output(variant):
    model = build(**variant)
    pour(model)
    x = PREPROCESS[variant["name"]](picture(2, variant["size"]))
    y = model(x, training=False).numpy()
    record = {"options": option_names(variant), "batch": 2, "shape": list(y.shape)}
    if variant.get("include_top"):  # the logits carry more than the saturated probabilities
        top = model.layers[-1]
        features = keras.Model(model.inputs, model.layers[-2].output)(x, training=False).numpy()
        kernel, bias = top.get_weights()
        record["logits"] = rounded(features @ kernel + bias)
    record["output"] = rounded(y)
    return record


def rounded(values):
    return [float(f"{v:.7g}") for v in values.ravel()]


def preprocessing():
    """keras.applications' preprocess_input on a few pixels, by mode."""
    from keras.src.applications import imagenet_utils

    pixels = np.array([[[[0, 127, 255], [3, 200, 77], [255, 254, 1]]]], dtype=np.float32)
    modes = {
        mode: rounded(np.asarray(imagenet_utils.preprocess_input(pixels.copy(), mode=mode)))
        for mode in ("tf", "torch", "caffe")
    }
    return {"pixels": pixels.ravel().tolist(), "modes": modes}


def head():
    """What Keras calls the layers behind a trunk, and their weights."""
    trunk = build("MobileNetV2", (96, 96), pooling="avg", alpha=0.35)
    names = []
    x = trunk.output
    for layer in (
        layers.Dense(8, activation="relu"),
        layers.Dropout(0.5),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Dense(3, activation="softmax"),
    ):
        x = layer(x)
        names.append(line(layer))
    trunk = build("NASNetMobile", (96, 96))
    x = trunk.output
    for layer in (layers.GlobalAveragePooling2D(), layers.Activation("relu"), layers.Flatten(), layers.Dense(1)):
        x = layer(x)
        names.append(line(layer))
    return names


# Single layers

LAYER_CASES = [
    # class, keyword arguments, shapes of the inputs (with the batch), training
    ("Conv2D", {"filters": 5, "kernel_size": (3, 2), "strides": (2, 1), "padding": "same", "activation": "relu"}, [(2, 7, 6, 3)]),
    ("Conv2D", {"filters": 4, "kernel_size": (3, 3), "strides": (2, 2), "use_bias": False}, [(1, 8, 9, 3)]),
    ("DepthwiseConv2D", {"kernel_size": (5, 5), "strides": (2, 2), "padding": "same", "depth_multiplier": 2}, [(2, 9, 8, 3)]),
    ("DepthwiseConv2D", {"kernel_size": (3, 3), "padding": "valid", "activation": "relu6"}, [(1, 6, 5, 4)]),
    ("SeparableConv2D", {"filters": 6, "kernel_size": (3, 3), "strides": (2, 2), "padding": "same", "depth_multiplier": 2}, [(2, 7, 6, 3)]),
    ("SeparableConv2D", {"filters": 3, "kernel_size": (5, 3), "use_bias": False, "activation": "tanh"}, [(1, 6, 7, 2)]),
    ("BatchNormalization", {}, [(2, 3, 4, 5)]),
    ("BatchNormalization", {"momentum": 0.9, "epsilon": 0.01}, [(3, 4, 3, 5)], True),
    ("BatchNormalization", {"scale": False, "momentum": 0.5}, [(6, 4)], True),
    ("BatchNormalization", {"center": False, "scale": False}, [(6, 4)]),
    ("ReLU", {"max_value": 6.0}, [(2, 9)]),
    ("ReLU", {"max_value": 1.5}, [(2, 9)]),
    ("ReLU", {}, [(2, 9)]),
    *(("Activation", {"activation": a}, [(2, 9)]) for a in ("linear", "relu", "relu6", "sigmoid", "softmax", "tanh", "softplus")),
    ("ZeroPadding2D", {"padding": ((1, 2), (0, 3))}, [(1, 3, 2, 2)]),
    ("Cropping2D", {"cropping": ((1, 2), (0, 1))}, [(2, 5, 4, 2)]),
    ("MaxPooling2D", {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"}, [(1, 6, 5, 3)]),
    ("MaxPooling2D", {"pool_size": (2, 2), "strides": (2, 2)}, [(2, 5, 6, 2)]),
    ("AveragePooling2D", {"pool_size": (3, 3), "strides": (2, 1), "padding": "same"}, [(1, 6, 5, 3)]),
    ("AveragePooling2D", {"pool_size": (1, 1), "strides": (2, 2)}, [(1, 5, 6, 2)]),
    ("GlobalAveragePooling2D", {}, [(2, 3, 4, 5)]),
    ("GlobalAveragePooling2D", {"keepdims": True}, [(2, 3, 4, 5)]),
    ("GlobalMaxPooling2D", {}, [(2, 3, 4, 5)]),
    ("GlobalMaxPooling2D", {"keepdims": True}, [(1, 3, 4, 5)]),
    ("Add", {}, [(2, 3, 2, 2), (2, 3, 2, 2), (2, 3, 2, 2)]),
    ("Concatenate", {}, [(2, 3, 2, 2), (2, 3, 2, 3)]),
    ("Flatten", {}, [(2, 3, 2, 2)]),
    ("Dropout", {"rate": 0.5}, [(2, 5)]),
    ("Dense", {"units": 4, "activation": "softmax"}, [(3, 5)]),
    ("Dense", {"units": 4, "activation": "sigmoid", "use_bias": False}, [(2, 2, 3, 5)]),
]

OWN_NAMES = {
    "kernel_size": "kernelSize",
    "use_bias": "useBias",
    "depth_multiplier": "depthMultiplier",
    "max_value": "maxValue",
    "pool_size": "poolSize",
    "keepdims": "keepDims",
    "target_shape": "targetShape",
    "noise_shape": "noiseShape",
    "negative_slope": "negativeSlope",
    "shared_axes": "sharedAxes",
    "init_values": "initValues",
    "projection_dim": "projectionDim",
    "drop_path_rate": "dropPathRate",
}


def layer_case(kind, arguments, shapes, training=False):
    kinds = convnext if kind in ("LayerScale", "StochasticDepth") else layers
    layer = getattr(kinds, kind)(**arguments, name="layer")
    inputs = [
        (uniforms(f"input{i}", int(np.prod(shape))) * np.float32(4)).reshape(shape)
        for i, shape in enumerate(shapes)
    ]
    given = inputs if len(inputs) > 1 else inputs[0]
    layer(given)  # builds
    if layer.weights:
        layer.set_weights([made_up(layer, w) for w in layer.weights])
    if kind == "Normalization":
        layer.finalize_state()  # takes over its weights
    more = {"training": training} if kind in ("BatchNormalization", "Dropout") else {}
    output = np.asarray(layer(given, **more))
    record = {
        "kind": kind,
        "settings": {OWN_NAMES.get(k, k): v for k, v in arguments.items()},
        "inputs": [list(shape) for shape in shapes],
        "training": training,
        "shape": list(output.shape),
        "output": rounded(output),
    }
    if training:
        record["moved"] = {w.path.split("/")[-1]: rounded(np.asarray(w)) for w in layer.non_trainable_weights}
    return record


def write(name, record):
    text = json.dumps(record, indent=0).encode()
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(gzip.compress(text, 9, mtime=0))


def main():
    versions = {"keras": keras.__version__, "numpy": np.__version__}
    if "outputs" not in sys.argv[1:]:
        record = {"versions": versions, "models": [topology(v) for v in VARIANTS], "head": head()}
        write("models.json.gz", record)
    record = {
        "versions": versions,
        "preprocessing": preprocessing(),
        "layers": [layer_case(*case) for case in LAYER_CASES],
        "outputs": [output(v) for v in OUTPUTS],
    }
    write("model-outputs.json.gz", record)


if __name__ == "__main__":
    main()
