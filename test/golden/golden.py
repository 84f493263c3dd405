"""What the golden generators share: values as base64 of their little-endian bytes, versions beside them."""

import base64
import json
import os
import pathlib
import platform

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

HERE = pathlib.Path(__file__).parent


def packed(array):
    """{shape, dtype, base64}; float64 is stored as float32."""
    import numpy as np

    array = np.asarray(array)
    if array.dtype == np.float64:
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
    text = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"shape": list(array.shape), "dtype": array.dtype.name, "base64": text}


def write(name, content, *modules):
    """Writes NAME.json, a line for each case, with the versions of Python and of the modules."""
    versions = {"python": platform.python_version()}
    versions.update({m.__name__: m.__version__ for m in modules})
    fields = [f"{json.dumps(k)}:{lines(v)}" for k, v in {"versions": versions, **content}.items()]
    (HERE / f"{name}.json").write_text("{" + ",\n".join(fields) + "}\n")


def lines(value):
    dump = json.JSONEncoder(separators=(",", ":")).encode
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(dump(v) for v in value) + "\n]"
    return dump(value)
