"""Goldens of what is in the legacy .h5 files that Keras writes of each base model: groups, names of weights, shapes.

Ran on Keras 3.15.1 (TensorFlow 2.21.0), and for Keras 2, which wrote the files that are published, on tf_keras 2.21.0 in
an environment of its own; each run replaces its own half of legacy-h5.json.gz (models that are not named stay what they
are). From the repository's root:

    python test/golden/legacy-h5.py keras [NAME ...]
    python test/golden/legacy-h5.py tf_keras [NAME ...]

Each model is saved to a temporary folder with its weights filled by their numbers, so that it is known of each dataset
which weight it is. A line is a layer of `layer_names` and its `weight_names`, each with its shape and the weight that
it is: `layer dataset[shape]type>weight ...`, `*` for the layer's name, the type where it is not float32, the weight where
it is not the dataset's own name.
"""

import gzip
import importlib
import json
import os
import re
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = os.path.join(HERE, "legacy-h5.json.gz")
KIND = sys.argv[1]
keras = importlib.import_module(KIND)
# Of Keras 2 those that it has: not the Lite ones.
with gzip.open(os.path.join(HERE, "model-runs.json.gz")) as runs:
    NAMES = [run["options"]["name"] for run in json.load(runs)["runs"]]


def build(name):
    keras.backend.clear_session()
    if KIND == "keras":
        import models

        return models.build(name=name, include_top=True)
    return getattr(keras.applications, name)(weights=None, include_top=True)


def flat(layers):
    for layer in layers:
        if isinstance(layer, keras.Sequential):
            yield from flat(layer.layers)
        else:
            yield layer


def short(layer, weight):
    name = (weight.path if KIND == "keras" else weight.name).split("/")[-1].split(":")[0]
    kind = type(layer).__name__
    if kind == "DepthwiseConv2D" and name == "depthwise_kernel":  # Keras 2
        return "kernel"
    return "gamma" if kind == "LayerScale" else name


def number(model):
    """Fills each weight with its number; the weights' names by it."""
    names = []
    for layer in flat(model.layers):
        for weight in layer.weights:
            kind = getattr(weight.dtype, "as_numpy_dtype", weight.dtype)
            weight.assign(np.full(weight.shape, len(names), kind))
            names.append(f"{layer.name}/{short(layer, weight)}")
    return names


def saved(name):
    model = build(name)
    names = number(model)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.h5")
        # the whole model is all that Keras 3 writes in this layout
        model.save(path) if KIND == "keras" else model.save_weights(path)
        with h5py.File(path) as file:
            root = file["model_weights"] if "model_weights" in file else file
            lines = [line(root[layer], layer, names) for layer in texts(root, "layer_names")]
    found = [n for n in range(len(names)) if any(weight == n for _, used in lines for weight in used)]
    assert len(found) == len(names), f"{name}: weights that the file has not"
    return {"root": "model_weights" if KIND == "keras" else "", "layers": [text for text, _ in lines]}


def texts(group, name):
    # none is so long that Keras splits it over several attributes
    return [v.decode() if isinstance(v, bytes) else str(v) for v in group.attrs[name]]


def line(group, layer, names):
    words = [layer]
    used = []
    for weight in texts(group, "weight_names"):
        dataset = group[weight]
        used.append(int(np.asarray(dataset).flat[0]))
        name = names[used[-1]]
        plain = "/".join(weight.split(":")[0].split("/")[-2:])
        shape = f"[{','.join(map(str, dataset.shape))}]" + ("" if dataset.dtype == "<f4" else dataset.dtype.str)
        word = weight + shape + ("" if plain == name else f">{name}")
        words.append(re.sub(rf"(^|[>/]){re.escape(layer)}/", r"\1*/", word))
    return " ".join(words), used


def main():
    stored = json.loads(gzip.open(PATH).read()) if os.path.exists(PATH) else {}
    half = stored.get(KIND, {"files": {}})
    names = sys.argv[2:] or [n for n in NAMES if KIND == "keras" or hasattr(keras.applications, n)]
    for name in names:
        print(name, flush=True)
        half["files"][name] = saved(name)
        files = {name: half["files"][name] for name in NAMES if name in half["files"]}
        half = {"version": keras.__version__, "files": files}
        stored = dict(sorted({**stored, KIND: half}.items()))
        with open(PATH, "wb") as file:
            file.write(gzip.compress(json.dumps(stored, indent=0).encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
