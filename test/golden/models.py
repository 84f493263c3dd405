"""Goldens of the base models: layer lists and outputs, from Keras.

Ran on Keras 3.15.1, TensorFlow 2.21.0, numpy 2.x. From the repository's root:

    python test/golden/models.py

Writes test/golden/models.json.gz (for each model its layers in Keras' order: name, class, output shape,
weights) and test/golden/model-outputs.json.gz (outputs of single layers on made-up inputs with made-up weights, which
both sides compute from a formula, and what preprocess_input does). model_runs.py runs whole models.
"""

import contextlib
import gzip
import hashlib
import json
import math
import os
import sys
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402
from keras.src.applications import convnext, inception_resnet_v2  # noqa: E402
from keras.src.utils import file_utils  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


# Tan 2020 (tensorflow/tpu, efficientnet/lite): width, depth, own size; stem, head, first and last stage are not scaled
LITES = {
    "EfficientNetLite0": (1.0, 1.0, 224),
    "EfficientNetLite1": (1.0, 1.1, 240),
    "EfficientNetLite2": (1.1, 1.2, 260),
    "EfficientNetLite3": (1.2, 1.4, 280),
    "EfficientNetLite4": (1.4, 1.8, 300),
}


def efficientnet_lite(name, input_shape, include_top, pooling=None):
    """EfficientNet-Lite with the layer names of keras.applications' EfficientNetB0."""
    width, depth, _ = LITES[name]
    initializer = keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")

    def rounded_filters(filters):
        wide = filters * width
        nearest = max(8, int(wide + 4) // 8 * 8)
        return nearest + 8 if nearest < 0.9 * wide else nearest

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
        filters = rounded_filters(filters)
        fixed = i in (0, len(stages) - 1)
        for j in range(repeats if fixed else math.ceil(repeats * depth)):
            prefix = f"block{i + 1}{chr(ord('a') + j)}_"
            stride = first_stride if j == 0 else 1
            shortcut = x
            if expansion != 1:
                x = conv(x, x.shape[-1] * expansion, 1, 1, prefix + "expand_conv")
                x = act(bn(x, prefix + "expand_bn"), prefix + "expand_activation")
            x = layers.DepthwiseConv2D(
                kernel,
                strides=stride,
                padding="same",
                use_bias=False,
                depthwise_initializer=initializer,
                name=prefix + "dwconv",
            )(x)
            x = act(bn(x, prefix + "bn"), prefix + "activation")
            x = bn(conv(x, filters, 1, 1, prefix + "project_conv"), prefix + "project_bn")
            if j > 0:
                x = layers.Add(name=prefix + "add")([x, shortcut])
    x = act(bn(conv(x, 1280, 1, 1, "top_conv"), "top_bn"), "top_activation")
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(1000, activation="softmax", name="predictions")(x)
    elif pooling == "avg":
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    elif pooling == "max":
        x = layers.GlobalMaxPooling2D(name="max_pool")(x)
    return keras.Model(inputs, x, name=name.lower().replace("lite", "-lite"))


MOBILE = [{"alpha": a} for a in (0.25, 0.5, 0.75)]
MOBILE_V2 = [{"alpha": a} for a in (0.35, 0.5, 0.75, 1.3, 1.4)]
MOBILE_V3 = [
    {"alpha": 0.75},
    {"alpha": 0.75, "include_top": True},
    {"minimalistic": True},
    {"minimalistic": True, "include_top": True},
]
IMAGENET = [{"imagenet": True}, {"imagenet": True, "include_top": True}]
MODELS = [
    # name; options of each variant beside the common ones (no top, top, two other sizes with pooling)
    ("NASNetMobile", []),
    ("NASNetLarge", []),
    ("MobileNet", [*MOBILE, {"alpha": 0.5, "include_top": True, "size": (160, 160)}]),
    ("MobileNetV2", [*MOBILE_V2, {"alpha": 1.4, "include_top": True, "size": (160, 160)}]),
    ("MobileNetV3Small", MOBILE_V3),
    ("MobileNetV3Large", MOBILE_V3),
    ("InceptionV3", []),
    ("InceptionResNetV2", []),
    ("Xception", []),
    ("VGG16", [{"include_top": True, "size": (64, 96)}]),
    ("VGG19", []),
    *((f"ResNet{depth}{version}", []) for version in ("", "V2") for depth in (50, 101, 152)),
    *((f"DenseNet{depth}", []) for depth in (121, 169, 201)),
    *((name, []) for name in LITES),
    *((f"EfficientNetB{n}", IMAGENET) for n in range(8)),
    *((f"EfficientNetV2{size}", IMAGENET) for size in ("B0", "B1", "B2", "B3", "S", "M", "L")),
    *((f"ConvNeXt{size}", []) for size in ("Tiny", "Small", "Base", "Large", "XLarge")),
]

# the others are 224 and 32
OWN_SIZE = {
    "NASNetLarge": 331,
    "InceptionV3": 299,
    "InceptionResNetV2": 299,
    "Xception": 299,
    **{name: size for name, (_, _, size) in LITES.items()},
    **{f"EfficientNetB{n}": size for n, size in enumerate((224, 240, 260, 300, 380, 456, 528, 600))},
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2S": 384,
    "EfficientNetV2M": 480,
    "EfficientNetV2L": 480,
}
LEAST_SIZE = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}


def variants(name, more):
    least = LEAST_SIZE.get(name, 32)
    yield {"name": name}
    yield {"name": name, "include_top": True}
    yield {"name": name, "size": (least + 64, least + 21), "pooling": "max"}
    yield {"name": name, "size": (least, least), "pooling": "avg"}
    for options in more:
        yield {"name": name, **options}


def layers_of(**options):
    """As `build`, with the shapes of weights alone: none is made, which takes a tenth of the time."""
    keras.backend.clear_session()
    with keras.StatelessScope(initialize_variables=False):
        return construct(**options)


def build(**options):
    """One model, its automatic names counted from the start; weights are Keras' initial ones."""
    keras.backend.clear_session()
    return construct(**options)


def construct(name, size=None, include_top=False, pooling="none", imagenet=False, **more):
    """`imagenet`: as for ImageNet's weights, for use within `nothing_fetched`."""
    pool = None if pooling == "none" else pooling
    own = OWN_SIZE.get(name, 224)
    if name in LITES:
        return efficientnet_lite(name, (*(size or (own, own)), 3), include_top, pool)
    application = getattr(keras.applications, name)
    # with the top Keras' default is asked for, which MobileNetV3 alone does not have
    is_default = size is None and include_top and not name.startswith("MobileNetV3")
    shape = {} if is_default else {"input_shape": (*(size or (own, own)), 3)}
    weights = "imagenet" if imagenet else None
    return application(weights=weights, include_top=include_top, pooling=pool, **shape, **more)


@contextlib.contextmanager
def nothing_fetched():
    """Keras fetches no weights and loads none; gives the list of what it asked for: address and digest."""
    calls = []

    def get_file(fname, origin, file_hash=None, **_):
        calls.append({"url": origin, "digest": file_hash})
        return fname

    with mock.patch.object(file_utils, "get_file", get_file), mock.patch.object(
        keras.Model, "load_weights", lambda *_, **__: None
    ):
        yield calls


def is_published(variant):
    """Whether it is built for ImageNet's weights: not at a size that has none, and where that adds layers, if asked for."""
    name = variant["name"]
    if name in LITES or "pooling" in variant:
        return False
    if name.startswith("EfficientNet"):
        return "imagenet" in variant
    return not variant.get("include_top") or variant.get("size") in (None, (160, 160))


def flat(layers_):
    """The layers of nested models in their place."""
    for layer in layers_:
        if isinstance(layer, keras.Sequential):
            yield from flat(layer.layers)
        else:
            yield layer


def short(layer, weight):
    """The weight's own name; LayerScale's has an automatic one."""
    return "gamma" if type(layer).__name__ == "LayerScale" else weight.path.split("/")[-1]


def short_names(layer):
    return [
        f"{short(layer, w)}{'' if w.trainable else '!'}[{','.join(map(str, w.shape))}]"
        for w in layer.weights
    ]


def shape_of(layer):
    return f"[{','.join(map(str, layer.output.shape[1:]))}]"


def line(layer, shape=None):
    """`name Class [output shape] weight[shape] ...`; a weight that is no trainable one ends its name with `!`."""
    return " ".join([layer.name, type(layer).__name__, shape or shape_of(layer), *short_names(layer)])


FROZEN_FIRST = {
    "NASNetMobile": [600, 599, 1],
    "MobileNetV2": [100],
    "InceptionV3": [249],
    "EfficientNetLite0": [70],
}


def option_names(variant):
    """As buildBaseModel spells them."""
    spelled = {("includeTop" if key == "include_top" else key): value for key, value in variant.items()}
    if "size" in spelled:
        spelled["inputShape"] = [*spelled.pop("size"), 3]
    return spelled


class Topologies:
    """The layers of all variants, each line said once: variants of one model differ in shapes and in their last layers."""

    def __init__(self):
        self.structures = []
        self.variants = []

    def add(self, variant):
        with nothing_fetched() as calls:
            model = layers_of(**{"imagenet": is_published(variant), **variant})
        layers_ = list(flat(model.layers))
        lines = [line(layer) for layer in layers_]
        record = {
            "options": option_names(variant),
            "model": model.name,
            "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
            "layers": len(model.layers),
            "parameters": model.count_params(),
            "trainableWeights": len(model.trainable_weights),
            "structure": self.structure([line(layer, shape="*") for layer in layers_]),
            "shapes": runs([shape_of(layer) for layer in layers_]),
        }
        if calls:
            (record["weights"],) = calls
        if len(variant) == 1 and variant["name"] in FROZEN_FIRST:
            record["frozenFirst"] = [freeze(variant, n) for n in FROZEN_FIRST[variant["name"]]]
        self.variants.append(record)

    def structure(self, lines):
        """The number of a structure: that of another one, of which so many first lines are taken, and the rest."""
        best = max(range(len(self.structures)), key=lambda i: common(self.lines(i), lines), default=None)
        shared = 0 if best is None else common(self.lines(best), lines)
        if shared == len(lines) == len(self.lines(best)):
            return best
        self.structures.append({"of": best if shared else None, "first": shared, "lines": lines[shared:]})
        return len(self.structures) - 1

    def lines(self, number):
        structure = self.structures[number]
        first = [] if structure["of"] is None else self.lines(structure["of"])[: structure["first"]]
        return first + structure["lines"]


def common(a, b):
    """How many first lines are the same."""
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def runs(values):
    """[value, how often] of what follows on itself."""
    result = []
    for value in values:
        if result and result[-1][0] == value:
            result[-1][1] += 1
        else:
            result.append([value, 1])
    return result


def freeze(variant, first):
    model = layers_of(**variant)
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


def picture(batch, size, number=0):
    values = uniforms(f"picture {number}" if number else "picture", batch * size[0] * size[1] * 3)
    return np.floor((values + 1) * 128).astype(np.float32).reshape(batch, *size, 3)


# what is not Keras'
OWN_PREPROCESSING = {name: lambda x: (x - np.float32(127)) / np.float32(128) for name in LITES}


def preprocessed(name, pixels):
    """By the model's own `preprocess_input`, in the numbers that Keras is set to."""
    if name in OWN_PREPROCESSING:
        return OWN_PREPROCESSING[name](pixels).astype(keras.config.floatx())
    module = sys.modules[getattr(keras.applications, name).__module__]
    return np.asarray(module.preprocess_input(pixels.copy()), keras.config.floatx())


def rounded(values):
    return [float(f"{v:.7g}") for v in values.ravel()]


def preprocessing():
    """keras.applications' preprocess_input on a few pixels, by mode and by model."""
    from keras.src.applications import imagenet_utils

    pixels = np.array([[[[0, 127, 255], [3, 200, 77], [255, 254, 1]]]], dtype=np.float32)
    modes = {
        mode: rounded(np.asarray(imagenet_utils.preprocess_input(pixels.copy(), mode=mode)))
        for mode in ("tf", "torch", "caffe")
    }
    of_models = {name: rounded(preprocessed(name, pixels)) for name, _ in MODELS}
    return {"pixels": pixels.ravel().tolist(), "modes": modes, "models": of_models}


def head():
    """What Keras calls the layers behind a trunk, and their weights."""
    trunk = build(name="MobileNetV2", size=(96, 96), pooling="avg", alpha=0.35)
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
    trunk = build(name="NASNetMobile", size=(96, 96))
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
    ("CustomScaleLayer", {"scale": 0.17}, [(2, 3, 2, 2), (2, 3, 2, 2)]),
    ("CustomScaleLayer", {"scale": 1.0}, [(1, 2, 2, 3), (1, 2, 2, 3)]),
    ("Flatten", {}, [(2, 3, 2, 2)]),
    ("Reshape", {"target_shape": (3, 4)}, [(2, 3, 2, 2)]),
    ("Reshape", {"target_shape": (2, -1, 3)}, [(2, 3, 4)]),
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
    kinds = next(kinds for kinds in (layers, convnext, inception_resnet_v2) if hasattr(kinds, kind))
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
        topologies = Topologies()
        for name, more in MODELS:
            for variant in variants(name, more):
                topologies.add(variant)
            print(name, flush=True)
        record = {
            "versions": versions,
            "structures": topologies.structures,
            "models": topologies.variants,
            "head": head(),
        }
        write("models.json.gz", record)
    record = {
        "versions": versions,
        "preprocessing": preprocessing(),
        "layers": [layer_case(*case) for case in LAYER_CASES],
    }
    write("model-outputs.json.gz", record)


if __name__ == "__main__":
    main()
