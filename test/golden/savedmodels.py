"""Writes the SavedModels of test/fixtures/savedmodels with TensorFlow, and what TensorFlow makes of them.

TensorFlow 2.21.0, Keras 3.15.1. Run: python test/golden/savedmodels.py
"""

import shutil

from golden import HERE, packed, write

import numpy as np
import tensorflow as tf
import keras
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework.function import Defun

v1 = tf.compat.v1
out = HERE.parent / "fixtures" / "savedmodels"
shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
rng = np.random.default_rng(21)
SHAPE = (3, 8, 8, 3)
pictures = rng.random(SHAPE).astype(np.float32)
labels = np.array([0, 2, 1])
CLASSES = 5
cases = []


class Module(tf.__internal__.tracking.AutoTrackable):
    """What TF Hub calls a reusable SavedModel."""


def values(*shape, scale=0.5, offset=0.0):
    return (rng.normal(0, scale, shape) + offset).astype(np.float32)


def clean(name):
    """Leaves out what nobody reads; the rest is a few kB."""
    for path in (out / name).rglob("*"):
        if path.name in ("fingerprint.pb", "keras_metadata.pb"):
            path.unlink()
    if (out / name / "assets").is_dir():
        (out / name / "assets").rmdir()
    path = out / name / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in saved.meta_graphs:
        graph.meta_info_def.ClearField("stripped_op_list")
        graph.graph_def.ClearField("debug_info")
        functions = graph.graph_def.library.function
        for node in [*graph.graph_def.node, *(n for f in functions for n in f.node_def)]:
            node.ClearField("experimental_debug_info")
            node.attr.pop("_output_shapes", None)
        for function in functions:
            function.attr.pop("_input_shapes", None)
    path.write_bytes(saved.SerializeToString(deterministic=True))


def hub_parts(chance):
    """Variables, a body by them and the losses of its kernels: conv, batch norm, depthwise, swish, squeeze-excite, chance."""
    v = {
        "stem/kernel": values(3, 3, 3, 4),
        "stem/bn/gamma": values(4, offset=1, scale=0.1),
        "stem/bn/beta": values(4),
        "depthwise/kernel": values(3, 3, 4, 1),
        "depthwise/bias": values(4),
        "excite/kernel": values(4, 4),
        "head/kernel": values(4, CLASSES),
        "head/bias": values(CLASSES),
    }
    averages = {"stem/bn/moving_mean": values(4), "stem/bn/moving_variance": values(4, offset=1, scale=0.1)}
    trainable = {name: tf.Variable(value, name=name) for name, value in v.items()}
    others = {name: tf.Variable(value, name=name, trainable=False) for name, value in averages.items()}
    others["drop_rate"] = tf.Variable(0.0, name="drop_rate", trainable=False)
    w = {**trainable, **others}

    def body(x, training):
        x = x * 2.0 - 1.0
        x = tf.nn.conv2d(x, w["stem/kernel"], 2, "SAME")
        mean, variance = w["stem/bn/moving_mean"], w["stem/bn/moving_variance"]
        if training:
            x, m, s = v1.nn.fused_batch_norm(x, w["stem/bn/gamma"], w["stem/bn/beta"], epsilon=1e-3, is_training=True)
            mean.assign_sub((mean - m) * 0.1)
            variance.assign_sub((variance - s) * 0.1)
        else:
            x, _, _ = v1.nn.fused_batch_norm(
                x, w["stem/bn/gamma"], w["stem/bn/beta"], mean, variance, epsilon=1e-3, is_training=False
            )
        x = tf.nn.relu6(x)
        short = x
        x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
        x = tf.nn.depthwise_conv2d(x, w["depthwise/kernel"], [1, 1, 1, 1], "VALID")
        x = tf.nn.bias_add(x, w["depthwise/bias"])
        # TensorFlow cannot differentiate its own swish within a loaded condition
        x = tf.nn.silu(x) if chance else x * tf.sigmoid(x)
        pooled = tf.reduce_mean(x, [1, 2])
        gate = tf.sigmoid(tf.matmul(pooled, w["excite/kernel"]))
        x = x * tf.reshape(gate, [-1, 1, 1, tf.shape(gate)[-1]])
        if training and chance:  # stochastic depth, as the models of TF Hub have it
            keep = 1.0 - w["drop_rate"]
            mask = tf.floor(keep + tf.random.uniform([tf.shape(x)[0], 1, 1, 1]))
            x = x / keep * mask
        x = tf.reduce_mean(x + short, [1, 2])
        if training and chance:
            x = tf.nn.dropout(x, w["drop_rate"])
        return tf.matmul(x, w["head/kernel"]) + w["head/bias"]

    losses = [
        tf.function(lambda: 0.02 * tf.nn.l2_loss(w["stem/kernel"]), input_signature=[]),
        tf.function(lambda: 0.01 * tf.reduce_sum(tf.square(w["head/kernel"])), input_signature=[]),
    ]
    return trainable, others, body, losses


def hub_case(name, call, chance=True):
    """A module saved, loaded again, predicted with, and trained for one step of SGD at rate 0.1."""
    trainable, others, body, losses = hub_parts(chance)
    module = Module()
    module.__call__ = call(body)
    module.trainable_variables = list(trainable.values())
    module.variables = module.trainable_variables + list(others.values())
    module.regularization_losses = losses
    options = tf.saved_model.SaveOptions(
        experimental_sharding_callback=tf.train.experimental.MaxShardSizePolicy(512)
    )
    tf.saved_model.save(module, str(out / name), options=options)
    clean(name)
    module = tf.saved_model.load(str(out / name))
    predicted = module(tf.constant(pictures), False)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            logits = module(tf.constant(pictures), True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
            penalty = tf.add_n([loss() for loss in module.regularization_losses])
            total = loss + penalty
        gradients = tape.gradient(total, module.trainable_variables)
        for variable, gradient in zip(module.trainable_variables, gradients):
            variable.assign_sub(0.1 * gradient)
        return logits, total, penalty

    logits, total, penalty = step()
    return {
        "name": name,
        "output": packed(predicted),
        "training": packed(logits),
        "loss": float(total),
        "penalty": float(penalty),
        "after": {v.name.removesuffix(":0"): packed(v) for v in module.variables},
    }


def by_literal(body):
    call = tf.function(body)
    for training in (True, False):
        call.get_concrete_function(tf.TensorSpec([None, None, None, 3], name="images"), training)
    return call


def by_condition(body):
    """`training` is a tensor: both branches are in one function (If)."""

    @tf.function(
        input_signature=[tf.TensorSpec([None, 8, 8, 3], name="images"), tf.TensorSpec([], tf.bool, name="training")]
    )
    def call(images, training):
        return tf.cond(training, lambda: body(images, True), lambda: body(images, False))

    return call


hubs = [hub_case("hub", by_literal), hub_case("hub-condition", by_condition, chance=False)]


def keras_model():
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(x)
    x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = keras.layers.Conv2D(4, 3, 2, use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Activation("swish")(x)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = keras.layers.Conv2D(4, 1, activation="sigmoid")(gate)
    x = keras.layers.Multiply()([x, gate])
    x = keras.layers.Dropout(0.25, noise_shape=(None, 1, 1, 1))(x)
    x = keras.layers.LayerNormalization()(x)
    x = keras.layers.Activation("gelu")(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(CLASSES, activation="softmax")(x)
    model = keras.Model(inputs, x)
    model.set_weights([w.numpy() + values(*w.shape, scale=0.1) for w in model.weights])
    return model


model = keras_model()
model.export(out / "keras-export", verbose=False)
clean("keras-export")
exported = tf.saved_model.load(str(out / "keras-export"))
cases.append({"name": "keras-export", "options": {}, "output": packed(exported.serve(255 * pictures)), "scale": 255})

module = Module()
module.__call__ = tf.function(lambda x, training=False: model(x, training=training))
for training in (True, False):
    module.__call__.get_concrete_function(tf.TensorSpec([None, 8, 8, 3], name="images"), training=training)
module.trainable_variables = [v.value for v in model.trainable_variables]
module.variables = [v.value for v in model.variables]
module.regularization_losses = []
tf.saved_model.save(module, str(out / "keras-module"))
clean("keras-module")
predicted = tf.saved_model.load(str(out / "keras-module"))(255 * pictures, training=False)
cases.append({"name": "keras-module", "options": {}, "output": packed(predicted), "scale": 255})


def tf1(name):
    """A module of TF1: one graph to predict with, one tagged `train`, variables by name, tf.cond with Switch and Merge."""
    v1.disable_control_flow_v2()

    # A function that is an op by its name, as the swish of TensorFlow 1.13 is.
    @Defun(tf.float32, func_name="swish_f32", shape_func=lambda op: [op.inputs[0].shape])
    def swish(features):
        return features * tf.sigmoid(features)

    def network(training):
        images = v1.placeholder(tf.float32, [None, 8, 8, 3], "images")
        get = v1.get_variable
        # in two parts, as partitioners leave it
        kernel = get(
            "conv/kernel",
            (3, 3, 3, 4),
            initializer=v1.random_normal_initializer(seed=5),
            partitioner=v1.fixed_size_partitioner(2, 3),
            use_resource=False,
        )
        kernel = tf.convert_to_tensor(kernel)
        gamma = get("bn/gamma", initializer=values(4, offset=1, scale=0.1), use_resource=True)
        beta = get("bn/beta", initializer=values(4), use_resource=True)
        mean = get("bn/moving_mean", initializer=values(4), trainable=False, use_resource=False)
        variance = get(
            "bn/moving_variance", initializer=values(4, offset=1, scale=0.1), trainable=False, use_resource=True
        )
        x = tf.nn.conv2d(images, kernel, 1, "VALID")
        if training:
            x, m, s = v1.nn.fused_batch_norm(x, gamma, beta, epsilon=1e-3, is_training=True)
            for average, batch in ((mean, m), (variance, s)):
                v1.add_to_collection("update_ops", v1.assign_sub(average, (average - batch) * 0.1).op)
            v1.add_to_collection("regularization_losses", tf.multiply(tf.nn.l2_loss(kernel), 0.1, name="penalty"))
        else:
            x, _, _ = v1.nn.fused_batch_norm(x, gamma, beta, mean, variance, epsilon=1e-3, is_training=False)
        doubled = v1.placeholder_with_default(True, [], "doubled")
        x = v1.cond(doubled, lambda: x * 2.0, lambda: x + tf.reduce_sum(tf.linalg.inv([[[1.0]]])))
        x = swish(x)
        return images, tf.reduce_mean(x, [1, 2], name="feature_vector"), tf.reduce_max(x, [1, 2], name="largest")

    builder = v1.saved_model.Builder(str(out / name))
    # the same values in both graphs
    global rng
    before = rng.bit_generator.state
    for tags in (["train"], []):
        rng.bit_generator.state = before
        with tf.Graph().as_default(), v1.Session() as session:
            images, features, largest = network("train" in tags)
            signature = v1.saved_model.predict_signature_def({"images": images}, {"default": features, "largest": largest})
            session.run(v1.global_variables_initializer())
            if "train" in tags:
                builder.add_meta_graph_and_variables(session, tags, {"default": signature}, strip_default_attrs=True)
            else:
                builder.add_meta_graph(tags, {"default": signature}, strip_default_attrs=True)
    builder.save()
    with tf.Graph().as_default(), v1.Session() as session:
        v1.saved_model.load(session, [], str(out / name))
        got = session.run(["feature_vector:0", "largest:0"], {"images:0": pictures})
        for key, value in zip(("default", "largest"), got):
            cases.append({"name": name, "options": {"output": key}, "output": packed(value), "scale": 1})
    (out / name / "tfhub_module.pb").write_bytes(b"\x08\x03")
    with tf.Graph().as_default(), v1.Session() as session:
        v1.saved_model.load(session, ["train"], str(out / name))
        graph = session.graph
        features = graph.get_tensor_by_name("feature_vector:0")
        trained = v1.trainable_variables()
        penalty = tf.add_n(v1.get_collection("regularization_losses"))
        loss = tf.reduce_mean(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=features)) + penalty
        with tf.control_dependencies(tf.gradients(loss, trained)):
            updates = [u if isinstance(u, tf.Operation) else u.op for u in v1.get_collection("update_ops")]
        feeds = {"images:0": pictures}
        logits, total, added, gradients, _ = session.run(
            [features, loss, penalty, tf.gradients(loss, trained), updates], feeds
        )
        for variable, gradient in zip(trained, gradients):
            variable.load(session.run(variable) - 0.1 * gradient, session)
        after = {v.op.name: packed(session.run(v)) for v in v1.global_variables()}
    inference = next(c["output"] for c in cases if c["name"] == name)
    hubs.append(
        {
            "name": name,
            "output": inference,
            "training": packed(logits),
            "loss": float(total),
            "penalty": float(added),
            "after": after,
        }
    )


tf1("tf1")

# A module as those are that TF Hub made of TF1: a momentum that may be given, a dictionary of outputs.
module = Module()
weight = tf.Variable(values(1, 1, 3, 2), name="weight")


@tf.function
def given(images, training=False, batch_norm_momentum=0.9):
    x = tf.nn.conv2d(images, weight, 1, "SAME") * batch_norm_momentum
    x = x + 1.0 if training else x
    return {"default": tf.reduce_mean(x, [1, 2]), "logits": tf.reduce_max(x, [1, 2]), "endpoint/all": x}


image = lambda n: tf.TensorSpec([None, n, n, 3], name="images")
for training in (None, True, False):
    given.get_concrete_function(image(8), training, tf.TensorSpec([], name="momentum"))
    given.get_concrete_function(image(8), training)
    given.get_concrete_function(image(None), training, 0.5)
module.__call__ = given
module.variables = module.trainable_variables = [weight]
tf.saved_model.save(module, str(out / "arguments"))
clean("arguments")
loaded = tf.saved_model.load(str(out / "arguments"))
for key in ("default", "logits"):
    predicted = loaded(pictures, False)[key]
    cases.append({"name": "arguments", "options": {"output": key}, "output": packed(predicted), "scale": 1})

# Ops outside the table.
module = Module()
module.__call__ = tf.function(
    lambda x: tf.linalg.inv(tf.cumsum(x, 1)) + tf.sin(tf.cumsum(x, 2)),
    input_signature=[tf.TensorSpec([None, 3, 3])],
)
tf.saved_model.save(module, str(out / "unknown-ops"))
clean("unknown-ops")



def batch_norm(x, factor):
    """Training, with moving averages mixed in by the op itself, as Keras 2 had it for a while."""
    four = [tf.constant(value) for value in (values_of_four + 1, values_of_four, values_of_four, values_of_four + 2)]
    scale, offset, mean, variance = four
    return tf.raw_ops.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=0.01, exponential_avg_factor=factor
    )


values_of_four = values(4)
# One signature for each op and each of its forms.
x = tf.constant(values(2, 6, 5, 4))
k = values(3, 3, 4, 2)
depth = values(3, 3, 4, 2)
table = {
    "conv-explicit": lambda x: tf.nn.conv2d(x, k, [1, 2, 2, 1], [[0, 0], [1, 2], [0, 1], [0, 0]]),
    "conv-dilated": lambda x: tf.nn.conv2d(x, k, 1, "SAME", dilations=2),
    "conv-groups": lambda x: tf.nn.conv2d(x, k[:, :, :2, :], 1, "SAME"),
    "conv-groups-of-one": lambda x: tf.nn.conv2d(x, np.concatenate([k[:, :, :1], k[:, :, 1:2]], 3) @ np.tile(np.eye(4), 2)[:, :8].astype(np.float32), 1, "SAME"),
    "conv-padded-same": lambda x: tf.nn.conv2d(tf.pad(x, [[0, 0], [0, 1], [1, 1], [0, 0]]), k, 2, "VALID"),
    "depthwise": lambda x: tf.nn.depthwise_conv2d(x, depth, [1, 2, 2, 1], "SAME"),
    "max-pool": lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"),
    "avg-pool": lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"),
    "avg-pool-same": lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"),
    "mirror-pad": lambda x: tf.pad(x, [[0, 0], [2, 1], [0, 2], [0, 0]], "REFLECT"),
    "symmetric-pad": lambda x: tf.pad(x, [[0, 0], [2, 1], [0, 2], [0, 0]], "SYMMETRIC"),
    "pad-value": lambda x: tf.pad(x, [[0, 0], [1, 0], [0, 1], [0, 0]], constant_values=2.5),
    "mean": lambda x: tf.reduce_mean(x, [-2, 1], keepdims=True),
    "sum": lambda x: tf.reduce_sum(x, [1, 3]),
    "max": lambda x: tf.reduce_max(x, 2),
    "min": lambda x: tf.reduce_min(x, [1, 2]),
    "softmax": tf.nn.softmax,
    "log-softmax": tf.nn.log_softmax,
    "leaky-relu": lambda x: tf.nn.leaky_relu(x, 0.3),
    "elu": tf.nn.elu,
    "hard-swish": lambda x: x * tf.nn.relu6(x + 3) / 6,
    "gelu": lambda x: tf.nn.gelu(x, approximate=False),
    "gelu-tanh": lambda x: tf.nn.gelu(x, approximate=True),
    "softplus": tf.nn.softplus,
    "floor-ceil": lambda x: tf.floor(x * 3) + 10 * tf.math.ceil(x * 2),
    "log-exp": lambda x: tf.math.log1p(tf.exp(x)) + tf.math.expm1(-tf.abs(x)),
    "powers": lambda x: tf.pow(tf.abs(x), 1.7) + tf.math.rsqrt(tf.square(x) + 1) - tf.sqrt(tf.abs(x)),
    "differences": lambda x: tf.math.squared_difference(x, 0.5) + tf.maximum(x, 0.1) - tf.minimum(x, x * 2),
    "add-n": lambda x: tf.add_n([x, x * 2, x - 1]),
    "select": lambda x: tf.where(x > 0.1, x, tf.where(x <= -0.3, x * x, 7.0)),
    "compare": lambda x: tf.cast(tf.equal(tf.nn.relu(x), 0.0), tf.float32)
    + 2 * tf.cast(tf.not_equal(tf.nn.relu(x), 0.0), tf.float32)
    + 4 * tf.cast(x >= 0.0, tf.float32)
    + 8 * tf.cast(tf.logical_and(x < 0.5, tf.logical_not(x < -0.5)), tf.float32),
    "clip": lambda x: tf.clip_by_value(x, -0.2, 0.4),
    "cast": lambda x: tf.cast(tf.cast(x * 4, tf.int32), tf.float32),
    "transpose": lambda x: tf.transpose(x, [0, 2, 1, 3]),
    "reverse-channels": lambda x: x[..., ::-1],
    "strided": lambda x: x[:, 1:-1:2, tf.newaxis, ..., 1],
    "slice": lambda x: tf.slice(x, [0, 1, 0, 2], [-1, 3, 2, -1]),
    "split": lambda x: tf.concat(tf.split(x, 2, 3)[::-1], 1),
    "split-sizes": lambda x: tf.concat(tf.split(x, [1, -1], 3)[::-1], 3),
    "stack": lambda x: tf.stack([x, x * 2], 2),
    "unstack": lambda x: tf.unstack(x, axis=3)[2],
    "gather": lambda x: tf.gather(x, [3, 0, 1], axis=3),
    "tile": lambda x: tf.tile(x, [1, 2, 1, 3]),
    "reshape": lambda x: tf.reshape(x, tf.stack([tf.shape(x)[0], -1, tf.shape(x)[3] // 2])),
    "shape-arithmetic": lambda x: tf.reshape(x, tf.concat([tf.shape(x)[:1], [tf.reduce_prod(tf.shape(x)[1:])]], 0)),
    "fill": lambda x: x + tf.fill(tf.shape(x), 0.25) + tf.ones_like(x) * tf.cast(tf.size(x), tf.float32),
    "range": lambda x: x * tf.cast(tf.range(0, tf.shape(x)[3] * 2, 2), tf.float32),
    "broadcast": lambda x: tf.broadcast_to(tf.reduce_mean(x, 3, keepdims=True), tf.shape(x)),
    "matmul": lambda x: tf.matmul(tf.reshape(x, [-1, 120]), tf.reshape(tf.constant(k), [2, 36])[:, :20] @ tf.ones([20, 120]), transpose_b=True),
    "batch-matmul": lambda x: tf.matmul(x, tf.reshape(tf.constant(k)[0], [4, 6])),
    "moments": lambda x: tf.concat(tf.nn.moments(x, [1, 2]), 1),
    "batch-norm-training": lambda x: batch_norm(x, 1.0)[0],
    "batch-norm-moments": lambda x: tf.concat(batch_norm(x, 1.0)[1:3], 0),
    "batch-norm-averages": lambda x: tf.concat(batch_norm(x, 0.1)[1:3], 0),
    "big-constant": lambda x: x + tf.constant(np.arange(120, dtype=np.float32).reshape(1, 6, 5, 4)),
    "half": lambda x: tf.cast(tf.cast(x, tf.float16) * tf.constant([0.5, 1, 2, 4], tf.float16), tf.float32),
}
module = Module()
signatures = {
    name: tf.function(f, input_signature=[tf.TensorSpec([None, 6, 5, 4], name="x")]) for name, f in table.items()
}
tf.saved_model.save(module, str(out / "ops"), signatures=signatures)
clean("ops")
loaded = tf.saved_model.load(str(out / "ops"))
ops = [{"name": name, "output": packed(loaded.signatures[name](x=x)["output_0"])} for name in table]

write(
    "savedmodels",
    {"pictures": packed(pictures), "labels": labels.tolist(), "cases": cases, "modules": hubs, "x": packed(x), "ops": ops},
    tf,
    keras,
    np,
)
