"""Writes test/golden/resample.json: what Pillow and TensorFlow make of noise at many sizes.

Ran on Python 3.11, Pillow 13.0.0, TensorFlow 2.21.0 (CPU), Keras 3.15.1, numpy 2.
Run from the repository root: python test/golden/resample.py
The picture of width w and height h holds, at byte i of [h, w, 3], bits 13..20 of i * 2654435761 mod 2^32.
"""

import hashlib
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

METHODS = ["nearest", "box", "bilinear", "bicubic", "lanczos"]
SIZES = [(500, 374), (374, 500), (300, 500), (64, 64), (10, 7), (1, 1), (3, 200), (333, 5), (224, 224), (999, 2)]
TARGETS = [(224, 224), (96, 50), (7, 10), (1, 1), (300, 2), (331, 299)]
rng = np.random.default_rng(11)
PAIRS = [(s, t) for s in SIZES for t in TARGETS]
PAIRS += [(tuple(int(v) for v in rng.integers(1, 90, 2)), tuple(int(v) for v in rng.integers(1, 90, 2))) for _ in range(60)]
# a nearest case where adding the step up and multiplying it part
PAIRS += [((10, 10), (100, 100)), ((600, 7), (100, 70)), ((49, 49), (98, 7))]


def noise(width, height):
    i = np.arange(width * height * 3, dtype=np.uint64)
    return (((i * 2654435761) % 2**32) >> 13).astype(np.uint8).reshape(height, width, 3)


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def pillow(array, size, method):
    return np.asarray(Image.fromarray(array).resize(size, getattr(Image, method.upper())))


def tensorflow(array, size, method):
    return tf.image.resize(array, (size[1], size[0]), method=method).numpy()


cases = []
for source, target in PAIRS:
    array = noise(*source)
    case = {"from": source, "to": target}
    for method in METHODS:
        case[method] = sha(pillow(array, target, method))[:16]
        case[method + "Grey"] = sha(pillow(array[..., 0], target, method))[:16]
    exact = tensorflow(array, target, "bilinear").astype(np.float32)
    case["tfBilinearFloat"] = sha(exact)[:16]
    case["tfBilinear"] = sha(tf.cast(tf.round(exact), tf.uint8).numpy())[:16]
    case["tfNearest"] = sha(tensorflow(array, target, "nearest").astype(np.uint8))[:16]
    cases.append(case)

samples = []
for source, target in [((5, 4), (3, 3)), ((3, 3), (5, 4)), ((7, 9), (8, 4))]:
    array = noise(*source)
    sample = {"from": source, "to": target}
    for method in METHODS:
        sample[method] = pillow(array, target, method).ravel().tolist()
    sample["tfBilinearFloat"] = [float(v) for v in tensorflow(array, target, "bilinear").ravel()]
    samples.append(sample)

fits = []
for source, target in [((500, 374), (224, 224)), ((374, 500), (224, 224)), ((300, 100), (64, 96)), ((50, 90), (96, 64)), ((64, 64), (32, 32)), ((20, 300), (8, 8)), ((301, 299), (150, 149))]:
    array = noise(*source)
    fit = {"from": source, "to": target}
    # Keras' crop: image_dataset_from_directory(crop_to_aspect_ratio=True) and load_img(keep_aspect_ratio=True)
    height, width = array.shape[:2]
    crop_height = min(height, int(float(width * target[1]) / target[0]))
    crop_width = min(width, int(float(height * target[0]) / target[1]))
    top, left = int(float(height - crop_height) / 2), int(float(width - crop_width) / 2)
    cropped = array[top : top + crop_height, left : left + crop_width]
    smart = keras.preprocessing.image.smart_resize(array, (target[1], target[0]), interpolation="bilinear")
    assert np.array_equal(np.asarray(smart), tensorflow(cropped, target, "bilinear")), (source, target)
    fit["crop"] = sha(pillow(cropped, target, "bilinear"))[:16]
    fit["cropTf"] = sha(tf.cast(tf.round(smart), tf.uint8).numpy())[:16]
    padded = ImageOps.pad(Image.fromarray(array), target, Image.BILINEAR, color=(0, 0, 0))
    fit["pad"] = sha(np.asarray(padded))[:16]
    fit["padGrey"] = sha(np.asarray(ImageOps.pad(Image.fromarray(array[..., 0]), target, Image.BILINEAR, color=0)))[:16]
    fits.append(fit)

with open("test/golden/resample.json", "w") as file:
    made = f"Pillow {Image.__version__}, TensorFlow {tf.__version__}, Keras {keras.__version__}"
    json.dump({"made": made, "cases": cases, "samples": samples, "fits": fits}, file, separators=(",", ":"))
    file.write("\n")
print(len(cases), "cases")
