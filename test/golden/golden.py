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
    """Writes NAME.json with the versions of Python and of the modules."""
    versions = {"python": platform.python_version()}
    versions.update({m.__name__: m.__version__ for m in modules})
    text = json.dumps({"versions": versions, **content}, indent=None, separators=(",", ":"))
    (HERE / f"{name}.json").write_text(text.replace('},{"op"', '},\n{"op"') + "\n")
