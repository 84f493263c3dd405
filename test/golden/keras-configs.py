"""Writes keras-configs.json: how Keras 3 and Keras 2 serialize layers, each with the settings it was made with.

Ran on Keras 3.15.1 (TensorFlow 2.21.0), and for Keras 2 on tf_keras 2.21.0 in an environment of its own; each run
replaces its own part of the file:

    python test/golden/keras-configs.py keras
    python test/golden/keras-configs.py tf_keras
"""

import importlib
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = os.path.join(HERE, "keras-configs.json")

keras = importlib.import_module(sys.argv[1])
layers = keras.layers
applications = f"{sys.argv[1]}.src.applications"
PLACES = [layers, *(importlib.import_module(f"{applications}.{m}") for m in ("convnext", "inception_resnet_v2"))]

SLOPE = "alpha" if sys.argv[1] == "tf_keras" else "negative_slope"
IDENTITIES = ("Identity",) if hasattr(layers, "Identity") else ()
HE = {"kernel_initializer": "he_normal"}
SCALED = keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")

# Class, arguments for Keras, and our kind and settings where they are not the class and the arguments in camel case.
CASES = [
    ("InputLayer", {"shape": (32, 24, 3)}, None, None),
    ("Conv2D", {"filters": 5, "kernel_size": 3}, None, {"filters": 5, "kernelSize": [3, 3]}),
    (
        "Conv2D",
        {"filters": 5, "kernel_size": (3, 2), "strides": (2, 1), "padding": "same", "activation": "relu6", "use_bias": False, **HE},
        None,
        {
            "filters": 5,
            "kernelSize": [3, 2],
            "strides": [2, 1],
            "padding": "same",
            "activation": "relu6",
            "useBias": False,
            "kernelInitializer": {"name": "HeNormal"},
        },
    ),
    (
        "DepthwiseConv2D",
        {"kernel_size": 5, "strides": 2, "depth_multiplier": 2, "depthwise_initializer": SCALED},
        None,
        {
            "kernelSize": [5, 5],
            "strides": [2, 2],
            "depthMultiplier": 2,
            "kernelInitializer": {"name": "VarianceScaling", "scale": 2, "mode": "fanOut", "distribution": "truncatedNormal"},
        },
    ),
    (
        "SeparableConv2D",
        {"filters": 3, "kernel_size": 3, "depthwise_initializer": "he_normal", "pointwise_initializer": "zeros"},
        None,
        {
            "filters": 3,
            "kernelSize": [3, 3],
            "kernelInitializer": {"name": "HeNormal"},
            "pointwiseInitializer": {"name": "Zeros"},
        },
    ),
    ("BatchNormalization", {}, None, {}),
    (
        "BatchNormalization",
        {"momentum": 0.9, "epsilon": 0.01, "scale": False, "center": False},
        None,
        {"momentum": 0.9, "epsilon": 0.01, "scale": False, "center": False},
    ),
    ("ReLU", {}, None, {}),
    ("ReLU", {"max_value": 6.0}, None, {"maxValue": 6}),
    ("Softmax", {}, "Activation", {"activation": "softmax"}),
    *(
        ("Activation", {"activation": a}, None, {"activation": a})
        for a in ("linear", "relu", "relu6", "sigmoid", "softmax", "tanh", "softplus")
    ),
    ("ZeroPadding2D", {}, None, {"padding": [[1, 1], [1, 1]]}),
    ("ZeroPadding2D", {"padding": ((1, 2), (0, 3))}, None, {"padding": [[1, 2], [0, 3]]}),
    ("Cropping2D", {"cropping": ((1, 2), (0, 1))}, None, {"cropping": [[1, 2], [0, 1]]}),
    ("MaxPooling2D", {"pool_size": 3}, None, {"poolSize": [3, 3], "strides": [3, 3]}),
    (
        "AveragePooling2D",
        {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"},
        None,
        {"poolSize": [3, 2], "strides": [2, 1], "padding": "same"},
    ),
    ("GlobalAveragePooling2D", {"keepdims": True}, None, {"keepDims": True}),
    ("GlobalMaxPooling2D", {}, None, {}),
    ("Add", {}, None, {}),
    ("Concatenate", {}, None, {}),
    ("CustomScaleLayer", {"scale": 0.25}, None, {"scale": 0.25}),
    ("Flatten", {}, None, {}),
    ("Dropout", {"rate": 0.25}, None, {"rate": 0.25}),
    ("Dropout", {"rate": 0.25, "noise_shape": (None, 1, 1, 1)}, None, {"rate": 0.25, "noiseShape": [None, 1, 1, 1]}),
    ("Conv2D", {"filters": 4, "kernel_size": 7, "groups": 4}, None, {"filters": 4, "kernelSize": [7, 7], "groups": 4}),
    ("LayerNormalization", {}, None, {}),
    (
        "LayerNormalization",
        {"epsilon": 0.5, "scale": False, "center": False},
        None,
        {"epsilon": 0.5, "scale": False, "center": False},
    ),
    ("Normalization", {}, None, {}),
    (
        "Normalization",
        {"mean": [0.5, 1.0, 2.0], "variance": [4.0, 2.0, 1.0]},
        None,
        {"mean": [0.5, 1, 2], "variance": [4, 2, 1]},
    ),
    ("Rescaling", {"scale": 0.5}, None, {"scale": 0.5, "offset": 0}),
    ("Rescaling", {"scale": [0.5, 1.0], "offset": -1.0}, None, {"scale": [0.5, 1], "offset": -1}),
    ("LayerScale", {"init_values": 0.5, "projection_dim": 4}, None, {"initValues": 0.5, "projectionDim": 4}),
    ("StochasticDepth", {"drop_path_rate": 0.25}, None, {"dropPathRate": 0.25}),
    ("Multiply", {}, None, {}),
    *((name, {}, None, {}) for name in ("Subtract", "Average", "Maximum", "Minimum")),
    ("LeakyReLU", {SLOPE: 0.25}, None, {"negativeSlope": 0.25}),
    ("ReLU", {"negative_slope": 0.25}, "LeakyReLU", {"negativeSlope": 0.25}),
    ("PReLU", {}, None, {}),
    ("PReLU", {"shared_axes": (1, 2)}, None, {"sharedAxes": [1, 2]}),
    ("ELU", {"alpha": 0.5}, None, {"alpha": 0.5}),
    ("SpatialDropout2D", {"rate": 0.25}, "Dropout", {"rate": 0.25, "noiseShape": [None, 1, 1, None]}),
    *((name, {}, "Activation", {"activation": "linear"}) for name in IDENTITIES),
    ("Reshape", {"target_shape": (1, -1, 6)}, None, {"targetShape": [1, -1, 6]}),
    *(
        ("Activation", {"activation": a}, None, {"activation": {"swish": "silu"}.get(a, a)})
        for a in ("elu", "selu", "swish", "gelu", "softsign", "exponential")
    ),
    ("Dense", {"units": 4}, None, {"units": 4}),
    (
        "Dense",
        {
            "units": 4,
            "activation": "softmax",
            "use_bias": False,
            "kernel_initializer": keras.initializers.RandomNormal(0.5, 0.25),
            "kernel_regularizer": keras.regularizers.L1L2(0.5, 0.25),
        },
        None,
        {
            "units": 4,
            "activation": "softmax",
            "useBias": False,
            "kernelInitializer": {"name": "RandomNormal", "mean": 0.5, "stddev": 0.25},
            "kernelRegularizer": {"l1": 0.5, "l2": 0.25},
        },
    ),
]


def case(name, arguments, kind, settings):
    keras.backend.clear_session()
    keras2 = sys.argv[1] == "tf_keras"
    if name == "InputLayer":
        settings = {"shape": list(arguments["shape"])}
        arguments = {"input_shape" if keras2 else "shape": arguments["shape"]}
    place = next(place for place in PLACES if hasattr(place, name))
    layer = getattr(place, name)(**arguments, name="layer")
    serialized = keras.saving.serialize_keras_object(layer)
    return {"kind": kind or name, "settings": settings, "keras": json.loads(json.dumps(serialized))}


golden = {}
if os.path.exists(PATH):
    with open(PATH) as file:
        golden = json.load(file)
golden[sys.argv[1]] = {"version": keras.__version__, "layers": [case(*c) for c in CASES]}
with open(PATH, "w") as file:
    file.write("{\n")
    for i, key in enumerate(sorted(golden)):
        part = golden[key]
        lines = ",\n".join(json.dumps(layer) for layer in part["layers"])
        file.write(f'"{key}": {{"version": "{part["version"]}", "layers": [\n{lines}\n]}}{"," if i + 1 < len(golden) else ""}\n')
    file.write("}\n")
