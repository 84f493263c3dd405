"""Writes the checkpoints of test/fixtures/bundles with TensorFlow, and what TensorFlow reads from them.

TensorFlow 2.21.0. Run: python test/golden/bundles.py
"""

import shutil
import zlib

from golden import HERE, packed, write

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

out = HERE.parent / "fixtures" / "bundles"
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
rng = np.random.default_rng(11)
bundles = []


def save(name, tensors, slices=None):
    """SaveV2 as it is: names, slices ("" is the whole tensor) and values."""
    names = list(tensors)
    prefix = str(out / name)
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=names,
        shape_and_slices=slices or [""] * len(names),
        tensors=list(tensors.values()),
    )
    return prefix


def describe(name):
    """Every tensor as TensorFlow's own reader gives it; strings as hex."""
    reader = tf.train.load_checkpoint(str(out / name))
    types = reader.get_variable_to_dtype_map()
    entries = []
    for key in sorted(reader.get_variable_to_shape_map(), key=lambda k: k.encode()):
        dtype = types[key].name
        value = reader.get_tensor(key)
        if dtype == "string":
            values = [value] if isinstance(value, bytes) else list(np.ravel(value))
            shape = list(np.shape(value))
            strings = [v.hex() for v in values]
            entries.append({"key": key, "dtype": dtype, "shape": shape, "strings": strings})
        else:
            value = np.asarray(value)
            value = packed(value if dtype == "uint8" else value.astype(np.float32))
            entries.append({"key": key, "dtype": dtype, "value": value})
    bundles.append({"name": name, "entries": entries})


# Every type of numbers, at its limits.
special = [0.0, -0.0, 1.5, -2.25, np.inf, -np.inf, 1e-3, 3e4]
numbers = {f"t/{t.name}": tf.constant(special, t) for t in (tf.float32, tf.float64, tf.float16, tf.bfloat16)}
for t in (tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64):
    numbers[f"t/{t.name}"] = tf.constant([t.min, t.max, 0, 1, 100], t)
numbers["t/bool"] = tf.constant([True, False, True])
numbers["t/nan"] = tf.constant([np.nan], tf.float16)
numbers["scalar"] = tf.constant(3.25)
numbers["empty"] = tf.zeros([2, 0, 3])
numbers["strings/one"] = tf.constant(b"x" * 300)
numbers["strings/many"] = tf.constant([[b"", b"\x00\xff"], [b"abc", "h\u00e4".encode()]])
numbers["n\u00e4me/with \u2318"] = tf.constant([[1.0, 2.0], [3.0, 4.0]])
save("types", numbers)
describe("types")

# Three files of values, merged into one checkpoint.
parts = []
for i in range(3):
    kernels = {f"layer_{j}/kernel": rng.normal(size=(3, j + 1)) for j in range(i, 9, 3)}
    parts.append(save(f"part{i}", {k: tf.constant(v, tf.float32) for k, v in kernels.items()}))
tf.raw_ops.MergeV2Checkpoints(
    checkpoint_prefixes=parts, destination_prefix=str(out / "sharded"), delete_old_dirs=False
)
describe("sharded")

# Slices along one axis and along two, their numbers past one byte of the key's encoding.
grid = rng.normal(size=(5, 7)).astype("f")
long = (np.arange(8200) % 251).astype(np.uint8)
tensors, slices = [], []
for rows in ((0, 3), (3, 2)):
    for columns in ((0, 4), (4, 3)):
        tensors.append(("grid", tf.constant(grid[rows[0]:sum(rows), columns[0]:sum(columns)])))
        slices.append(f"5 7 {rows[0]},{rows[1]}:{columns[0]},{columns[1]}")
for start, length in ((0, 63), (63, 1), (64, 8127), (8191, 1), (8192, 8)):
    tensors.append(("long", tf.constant(long[start:start + length])))
    slices.append(f"8200 {start},{length}")
whole = rng.normal(size=(2, 3)).astype("f")
for start in (0, 1):
    tensors.append(("rows \u00fc", tf.constant(whole[start:start + 1])))
    slices.append(f"2 3 {start},1:-")
tensors.append(("plain", tf.constant([1.0, 2.0])))
slices.append("")
tensors.append(("all of it", tf.constant(whole)))
slices.append("2 3 -:-")
tf.raw_ops.SaveV2(
    prefix=str(out / "sliced"),
    tensor_names=[n for n, _ in tensors],
    shape_and_slices=slices,
    tensors=[v for _, v in tensors],
)
describe("sliced")

# A TF1 checkpoint as its Saver writes it, with a partitioned variable.
v1 = tf.compat.v1
with tf.Graph().as_default(), v1.Session() as session:
    v1.get_variable("conv/kernel", [3, 2], initializer=v1.random_normal_initializer(seed=1))
    v1.get_variable(
        "embedding", [10, 4], initializer=v1.random_normal_initializer(seed=2),
        partitioner=tf.compat.v1.fixed_size_partitioner(3), use_resource=False,
    )
    v1.get_variable("global_step", [], tf.int64, initializer=v1.constant_initializer(7), trainable=False)
    session.run(v1.global_variables_initializer())
    v1.train.Saver().save(session, str(out / "model.ckpt"), write_meta_graph=False, write_state=False)
describe("model.ckpt")

# A TF2 object's checkpoint: its graph of objects lies among the tensors.
module = tf.Module()
module.kernel = tf.Variable(rng.normal(size=(2, 2)), dtype=tf.float32)
module.steps = tf.Variable(3, dtype=tf.int64)
tf.train.Checkpoint(module=module).write(str(out / "object"))
describe("object")

for path in out.glob("part*"):
    path.unlink()

# Snappy as TensorFlow's own library writes it: CompressElement puts a tensor's bytes through RawCompress.
def snappy(data):
    element = tf.raw_ops.CompressElement(components=[tf.constant(np.frombuffer(data, np.uint8))])
    tensor = tensor_pb2.TensorProto.FromString(tf.io.serialize_tensor(element).numpy())
    variant = tensor_pb2.VariantTensorDataProto.FromString(prefixed(tensor.tensor_content))
    # CompressedElement: the bytes are field 1.
    assert variant.metadata[0] == 0x0A
    return prefixed(variant.metadata[1:])


def prefixed(data):
    """The bytes behind their number, a varint."""
    size, at = 0, 0
    while True:
        size |= (data[at] & 127) << 7 * at
        at += 1
        if data[at - 1] < 128:
            return data[at:at + size]


texts = [
    b"variables/%d/.ATTRIBUTES/VARIABLE_VALUE" % 7 * 40,
    b"".join(b"layer_%d/kernel;" % i for i in range(300)),
    bytes(rng.integers(0, 256, 3000, dtype=np.uint8)),
    b"ab" * 40000,
    b"",
    b"a",
]
blocks = [
    {"plain": zlib.compress(t, 9).hex(), "snappy": zlib.compress(snappy(t), 9).hex()} for t in texts
]
write("bundles", {"bundles": bundles, "snappy": blocks}, np, tf)
