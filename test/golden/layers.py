"""Goldens of single layers beyond those of models.py: python test/golden/layers.py (Keras 3.15.1, TensorFlow 2.21.0).

Writes test/golden/layers.json; inputs and weights are made up as in models.py.
"""

import golden
import keras
import models
import numpy as np

CASES = [
    ("Conv2D", {"filters": 6, "kernel_size": (3, 3), "padding": "same", "groups": 6}, [(2, 5, 4, 6)]),
    ("Conv2D", {"filters": 6, "kernel_size": (3, 3), "strides": (2, 2), "groups": 3, "activation": "silu"}, [(1, 7, 6, 3)]),
    ("Conv2D", {"filters": 4, "kernel_size": (2, 3), "groups": 2, "use_bias": False}, [(2, 4, 5, 6)]),
    ("Rescaling", {"scale": 0.5}, [(2, 3, 2, 3)]),
    ("Rescaling", {"scale": 1 / 127.5, "offset": -1.0}, [(2, 3, 2, 3)]),
    ("Rescaling", {"scale": [0.5, 2.0, 3.0], "offset": [1.0, 0.0, -1.0]}, [(2, 3, 2, 3)]),
    ("Normalization", {}, [(2, 3, 2, 3)]),
    ("Normalization", {"mean": [0.5, 1.0, -2.0], "variance": [0.25, 4.0, 0.0]}, [(2, 3, 2, 3)]),
    ("LayerNormalization", {}, [(2, 3, 2, 5)]),
    ("LayerNormalization", {"epsilon": 1e-6}, [(3, 7)]),
    ("LayerNormalization", {"center": False}, [(3, 7)]),
    ("LayerNormalization", {"scale": False, "epsilon": 0.1}, [(3, 7)]),
    ("LayerScale", {"init_values": 1e-6, "projection_dim": 4}, [(2, 3, 2, 4)]),
    ("StochasticDepth", {"drop_path_rate": 0.5}, [(2, 3, 2, 4)]),
    ("Multiply", {}, [(2, 3, 2, 4), (2, 1, 1, 4)]),
    ("Multiply", {}, [(2, 5), (2, 5), (2, 5)]),
    ("Add", {}, [(2, 3, 2, 4), (2, 1, 1, 4)]),
    ("Subtract", {}, [(2, 3, 2, 4), (2, 3, 2, 4)]),
    ("Average", {}, [(2, 5), (2, 5), (2, 5)]),
    ("Maximum", {}, [(2, 5), (2, 5), (2, 5)]),
    ("Minimum", {}, [(2, 3, 2, 4), (2, 1, 1, 4)]),
    ("LeakyReLU", {}, [(2, 9)]),
    ("LeakyReLU", {"negative_slope": 1.5}, [(2, 9)]),
    ("PReLU", {}, [(2, 3, 2, 4)]),
    ("PReLU", {"shared_axes": (1, 2)}, [(2, 3, 2, 4)]),
    ("ELU", {"alpha": 0.5}, [(2, 9)]),
    ("Reshape", {"target_shape": (1, 1, 6)}, [(2, 6)]),
    ("Reshape", {"target_shape": (4, -1)}, [(2, 3, 2, 4)]),
    ("Dropout", {"rate": 0.5, "noise_shape": (None, 1, 1, 1)}, [(2, 3, 2, 4)]),
    *(
        ("Activation", {"activation": a}, [(3, 40)])
        for a in (
            "leaky_relu",
            "elu",
            "selu",
            "silu",
            "gelu",
            "hard_sigmoid",
            "hard_silu",
            "softsign",
            "exponential",
        )
    ),
]

golden.write("layers", {"layers": [models.layer_case(*case) for case in CASES]}, keras, np)
