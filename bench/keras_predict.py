"""The Keras side of predict-imagenet: one JSON line in, one out. Pictures are decoded and resized by Pillow."""

import hashlib
import json
import os
import sys

import keras
import numpy as np
from PIL import Image

from keras_side import safetensors

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "test", "golden"))

MODULES = {"MobileNet": "mobilenet", "MobileNetV2": "mobilenet_v2"}


def build(model, size, alpha, weights):
    """The model with its top, and what is done to its pixels; the file is Keras' own .h5 or safetensors with Keras' names."""
    shape = (size, size, 3)
    if model == "EfficientNetLite0":
        from models import efficientnet_lite0

        net = efficientnet_lite0(shape, include_top=True)
        preprocess = lambda x: (x - 127.0) / 128.0  # noqa: E731
    else:
        make = getattr(keras.applications, model)
        net = make(weights=None, include_top=True, input_shape=shape, alpha=alpha)
        preprocess = getattr(keras.applications, MODULES[model]).preprocess_input
    if weights.endswith(".h5"):
        net.load_weights(weights)
    else:
        values = safetensors(weights)
        for layer in net.layers:
            layer.set_weights([values.pop(f"{layer.name}/{w.name}") for w in layer.weights])
        assert not values, f"left over: {list(values)[:3]}"
    return net, preprocess


def predict(model, size, alpha, weights, images, out):
    """Writes the probabilities [picture, class], float32; answers with the digests of the pixels."""
    net, preprocess = build(model, size, alpha, weights)
    pixels = []
    for path in images:
        with Image.open(path) as image:
            pixels.append(np.asarray(image.convert("RGB").resize((size, size), Image.BILINEAR)))
    digests = [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pixels]
    batch = preprocess(np.stack(pixels).astype(np.float32))
    net.predict(batch, batch_size=16, verbose=0).astype("<f4").tofile(out)
    return {"digests": digests}


for line in sys.stdin:
    question = json.loads(line)
    print(json.dumps(globals()[question.pop("do")](**question)), flush=True)
