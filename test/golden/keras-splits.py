"""Which files Keras puts into which subset. Writes keras-splits.json beside itself.

Ran with Keras 3.15.1, TensorFlow 2.21.0, numpy 2.x (legacy RandomState streams do not change between versions).
The files are empty: Keras opens none before a batch is asked for.
"""
import json
import os
import tempfile

import keras
import numpy
from keras.src.legacy.preprocessing.image import ImageDataGenerator

FILES = (
    [f"cat/{i}.jpg" for i in range(23)]
    + ["cat/B.png", "cat/a.PNG", "cat/é.jpeg", "cat/𝒳.png", "cat/～.png"]
    + [f"cat/sub/{i}.bmp" for i in range(5)] + ["cat/sub-x/1.jpg", "cat/sub.d/1.jpg", "cat/zz.tif", "cat/anim.gif"]
    + [f"dog 10/p{i}.jpg" for i in range(17)]
    + [f"dog 5/p{i}.png" for i in range(9)] + ["dog 5/nested/deep/q.png", "dog 5/w.webp", "dog 5/t.tiff", "dog 5/readme.txt"]
)
FRACTIONS = [0.2, 0.1, 0.25, 0.5, 0.3]
SEEDS = [0, 1, 8, 123, 4294967295]


def relative(root, paths):
    return [os.path.relpath(p, root).replace(os.sep, "/") for p in paths]


with tempfile.TemporaryDirectory() as root:
    for name in FILES:
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "wb").close()
    generator = {}
    for f in FRACTIONS:
        flow = ImageDataGenerator(validation_split=f).flow_from_directory(root, subset="validation")
        generator[str(f)] = sorted(flow.filenames)
    dataset = []
    for seed in SEEDS:
        for f in FRACTIONS:
            ds = keras.utils.image_dataset_from_directory(root, validation_split=f, subset="validation", seed=seed)
            dataset.append({"seed": seed, "fraction": f, "validation": sorted(relative(root, ds.file_paths))})
shuffles = []
for seed in SEEDS:
    for n in (1, 2, 3, 10, 257, 700):
        order = list(range(n))
        numpy.random.RandomState(seed).shuffle(order)
        shuffles.append({"seed": seed, "n": n, "order": order if n < 20 else order[:8] + order[-8:]})
out = {"versions": {"keras": keras.__version__, "numpy": numpy.__version__}, "files": FILES,
       "generator": generator, "dataset": dataset, "shuffles": shuffles}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "keras-splits.json"), "w") as file:
    json.dump(out, file, ensure_ascii=False, separators=(",", ":"))
