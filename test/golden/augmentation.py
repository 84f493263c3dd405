"""Writes test/golden/augmentation.json: what Keras' ImageDataGenerator makes of noise with given draws.

Ran on Python 3.11, Keras 3.15.1, scipy 1.17.1, Pillow 13.0.0, numpy 2.
Run from the repository root: python test/golden/augmentation.py
The picture of height h, width w and c channels holds, at byte i of [h, w, c], bits 13..20 of i * 2654435761 mod 2^32.

The transforms have our names. Keras' `tx` and `ty` in a transform mean the same as ours (x along a row); the generator
draws `tx` from height_shift_range, we draw it from widthShiftRange. Keras takes the centre of x from the height and
the centre of y from the width: for pictures that are not square the two are swapped here, which is our meaning; every
other line that runs is Keras' own.
"""

import numpy as np
import PIL
import scipy
import keras
from keras.src.legacy.preprocessing import image

import golden

KERAS_CENTRE = image.transform_matrix_offset_center


def noise(shape):
    i = np.arange(np.prod(shape), dtype=np.uint64)
    return (((i * 2654435761) % 2**32) >> 13).astype(np.uint8).reshape(shape)


def keras_transform(shape, transform, fill_mode, cval):
    square = shape[0] == shape[1]
    image.transform_matrix_offset_center = (
        KERAS_CENTRE if square else lambda matrix, height, width: KERAS_CENTRE(matrix, width, height)
    )
    generator = image.ImageDataGenerator(fill_mode=fill_mode, cval=cval, data_format="channels_last")
    names = {
        "flipHorizontal": "flip_horizontal",
        "flipVertical": "flip_vertical",
        "channelShift": "channel_shift_intensity",
    }
    parameters = {names.get(name, name): value for name, value in transform.items()}
    return generator.apply_transform(noise(shape).astype("float32"), parameters)


ONE = {"theta": 20, "tx": 1.2, "ty": -0.7, "shear": 10, "zx": 0.9, "zy": 1.15}
FAR = {"theta": -131.3, "tx": 9.3, "ty": 17.9, "shear": -30, "zx": 1.9, "zy": 1.4}
GEOMETRY = [
    ONE,
    FAR,
    {**ONE, "flipHorizontal": True},
    {**FAR, "flipHorizontal": True, "flipVertical": True},
]
SHAPES = [(8, 8, 3), (8, 8, 1), (5, 9, 3), (9, 5, 1)]
cases = []


def add(shape, transform, fill_mode="nearest", cval=0):
    out = keras_transform(shape, transform, fill_mode, cval)
    assert out.dtype == np.float32
    cases.append(
        {"shape": shape, "transform": transform, "fillMode": fill_mode, "cval": cval, "out": golden.packed(out)}
    )


for fill_mode in ["nearest", "constant", "reflect", "wrap"]:
    for shape in SHAPES:
        for transform in GEOMETRY:
            add(shape, transform, fill_mode, 77.5)
    # one thing at a time, and axes of one and two pixels
    for transform in [{"tx": 3}, {"ty": -2.5}, {"theta": 45}, {"shear": 12}, {"zx": 1.3}, {"zy": 0.6}]:
        add((5, 6, 1), transform, fill_mode, -3)
    for shape in [(1, 5, 1), (5, 1, 1), (2, 3, 1), (1, 1, 3)]:
        add(shape, {"theta": 33, "tx": 1.6, "zx": 1.7, "zy": 2.2}, fill_mode, 9)
        add(shape, {"tx": 2, "ty": 1}, fill_mode, 9)
for shape in [(4, 6, 3), (5, 3, 1)]:
    for flips in [{"flipHorizontal": True}, {"flipVertical": True}, {"flipHorizontal": True, "flipVertical": True}, {}]:
        add(shape, flips)
    for shift in [13.7, -90.25]:
        add(shape, {"channelShift": shift})
        add(shape, {**ONE, "channelShift": shift, "flipHorizontal": True}, "reflect")
    for brightness in [0, 0.3, 0.8137, 1, 1.2345, 3]:
        add(shape, {"brightness": brightness})
    add(shape, {**ONE, "brightness": 1.2345, "flipHorizontal": True})
    add(shape, {**FAR, "brightness": 0.77, "channelShift": 20.1, "flipVertical": True}, "wrap")
    # a cval outside of 0..255: Keras stretches the picture to 0..255 and back
    for cval in [-300, 256, 900.5]:
        for brightness in [0.6, 1.1]:
            add(shape, {**ONE, "brightness": brightness}, "constant", cval)

# The generator's draws: mean and standard deviation, least and greatest of many.
COUNT = 40000
SETTINGS = [
    {"rotationRange": 40, "widthShiftRange": 0.2, "heightShiftRange": 0.1, "shearRange": 0.2, "zoomRange": [0.8, 1.3]},
    {"widthShiftRange": 3, "heightShiftRange": 1, "horizontalFlip": True, "brightnessRange": [0.7, 1.2]},
    {"widthShiftRange": 2.5, "heightShiftRange": 12, "verticalFlip": True, "channelShiftRange": 11},
]
KEYS = {
    "rotationRange": "rotation_range",
    # the trap: Keras draws tx, which moves columns, from the height
    "widthShiftRange": "height_shift_range",
    "heightShiftRange": "width_shift_range",
    "shearRange": "shear_range",
    "zoomRange": "zoom_range",
    "horizontalFlip": "horizontal_flip",
    "verticalFlip": "vertical_flip",
    "brightnessRange": "brightness_range",
    "channelShiftRange": "channel_shift_range",
}
PARAMETERS = {"flip_horizontal": "flipHorizontal", "flip_vertical": "flipVertical", "channel_shift_intensity": "channelShift"}
draws = []
for settings in SETTINGS:
    generator = image.ImageDataGenerator(**{KEYS[key]: value for key, value in settings.items()})
    np.random.seed(5)
    drawn = [generator.get_random_transform((100, 100, 3)) for _ in range(COUNT)]
    found = {}
    for name in drawn[0]:
        values = np.array([one[name] for one in drawn if one[name] is not None], dtype=np.float64)
        if len(values):
            about = [values.mean(), values.std(), values.min(), values.max()]
            found[PARAMETERS.get(name, name)] = [round(float(v), 5) for v in about]
    draws.append({"augmentation": settings, "meanDeviationLeastGreatest": found})

golden.write("augmentation", {"cases": cases, "count": COUNT, "draws": draws}, keras, scipy, PIL, np)
print(len(cases), "cases")
