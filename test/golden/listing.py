"""Goldens of what freezing the first layers leaves, where Keras lists nested models as one and operations not at all.

Ran on Keras 3.15.1, TensorFlow 2.21.0: python test/golden/listing.py. Writes test/golden/listing.json.
"""

import golden
import keras
import models

CASES = [("ConvNeXtTiny", [2, 3, 24, 46, 133]), ("MobileNetV3Small", [14, 15, 16, 100, 157])]


def case(name, first):
    model = models.build(name, (32, 32))
    for layer in model.layers[:first]:
        layer.trainable = False
    weights = model.trainable_weights
    return {
        "name": name,
        "first": first,
        "layers": len(model.layers),
        "last": model.layers[first - 1].name,
        "trainable": len(weights),
        "parameters": int(sum(w.numpy().size for w in weights)),
    }


if __name__ == "__main__":
    golden.write("listing", {"cases": [case(name, n) for name, firsts in CASES for n in firsts]}, keras)
