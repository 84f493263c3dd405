"""Goldens of every op, forward and gradient: python test/golden/ops.py (TensorFlow 2.21.0, CPU).

Inputs are float32 values; TensorFlow computes from them in float64, so that what is stored is right to the last
float32 bit and an engine's error is its own. Gradients are those of sum(output * dy) for a random dy.
"""

import golden
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(4)
cases = []


def normal(*shape, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def uniform(low, high, *shape):
    return rng.uniform(low, high, shape).astype(np.float32)


def f32(*values):
    return np.array(values, np.float32)


def keyed(pair):
    return [int(n) for n in pair]


def padding(a):
    return a["padding"].upper()


def conv2d(x, k, a):
    # The kernel at work refuses strides with dilations, and float64 dilation: both are done by spreading the kernel.
    spread = dilate(k, a["dilations"])
    return tf.nn.conv2d(x, spread, a["strides"], padding(a))


def depthwise(x, k, a):
    # TensorFlow wants equal strides and, with dilations, strides of 1.
    spread = dilate(k, a["dilations"])
    return tf.nn.depthwise_conv2d(x, spread, [1, *a["strides"], 1], padding(a))


def dilate(k, dilations):
    """The kernel with zeros between its cells: what dilation means."""
    if list(dilations) == [1, 1]:
        return k
    kh, kw = k.shape[0], k.shape[1]
    rows = tf.one_hot(np.arange(kh) * dilations[0], (kh - 1) * dilations[0] + 1, dtype=k.dtype)
    columns = tf.one_hot(np.arange(kw) * dilations[1], (kw - 1) * dilations[1] + 1, dtype=k.dtype)
    return tf.einsum("ijco,iy,jx->yxco", k, rows, columns)


def reduce_max_gradient(dy, x, y, a):
    with tf.GradientTape() as tape:
        tape.watch(x)
        top = tf.reduce_max(x, a["axes"], keepdims=True)
    tf.debugging.assert_equal(top, y)
    return tape.gradient(top, x, dy)


def slope(f, x, dy, a):
    """What x is owed for dy, given f(x, a)."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x, a)
    return tape.gradient(y, x, dy)


def input_gradient(f):
    return lambda dy, k, a: slope(lambda x, a: f(x, k, a), tf.zeros(a["inputShape"], dy.dtype), dy, a)


def kernel_gradient(f):
    return lambda x, dy, a: slope(lambda k, a: f(x, k, a), tf.zeros(a["kernelShape"], dy.dtype), dy, a)


def max_pool(x, a):
    return tf.nn.max_pool2d(x, a["size"], a["strides"], padding(a))


def avg_pool(x, a):
    return tf.nn.avg_pool2d(x, a["size"], a["strides"], padding(a))


def max_pool_gradient(dy, x, y, a):
    tf.debugging.assert_equal(max_pool(x, a), y)
    return slope(max_pool, x, dy, a)


def batch_norm(x, gamma, beta, a):
    axes = list(range(len(x.shape) - 1))
    mean, variance = tf.nn.moments(x, axes)
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, a["epsilon"]), mean, variance


def batch_norm_gradient(dy, x, gamma, mean, variance, a):
    beta = tf.zeros_like(gamma)
    with tf.GradientTape() as tape:
        tape.watch([x, gamma, beta])
        y = batch_norm(x, gamma, beta, a)[0]
    return tuple(tape.gradient(y, [x, gamma, beta], dy))


def masked(f):
    def gradient(dy, x, a):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x, dy)

    return gradient


def reduction(f):
    return lambda x, a: f(x, a["axes"], keepdims=a["keepDims"])


DTYPES = {"float32": tf.float64, "int32": tf.int32, "uint8": tf.uint8}
OPS = {
    "relu": lambda x, a: tf.nn.relu(x),
    "relu6": lambda x, a: tf.nn.relu6(x),
    "sigmoid": lambda x, a: tf.sigmoid(x),
    "tanh": lambda x, a: tf.tanh(x),
    "softplus": lambda x, a: tf.nn.softplus(x),
    "exp": lambda x, a: tf.exp(x),
    "log": lambda x, a: tf.math.log(x),
    "sqrt": lambda x, a: tf.sqrt(x),
    "rsqrt": lambda x, a: tf.math.rsqrt(x),
    "square": lambda x, a: tf.square(x),
    "negative": lambda x, a: tf.negative(x),
    "reluGradient": masked(tf.nn.relu),
    "relu6Gradient": masked(tf.nn.relu6),
    "erf": lambda x, a: tf.math.erf(x),
    "silu": lambda x, a: x * tf.sigmoid(x),
    "gelu": lambda x, a: tf.nn.gelu(x),
    "siluGradient": masked(lambda x: x * tf.sigmoid(x)),
    "cast": lambda x, a: tf.cast(x, DTYPES[a["dtype"]]),
    "add": lambda x, y, a: x + y,
    "subtract": lambda x, y, a: x - y,
    "multiply": lambda x, y, a: x * y,
    "divide": lambda x, y, a: x / y,
    "maximum": lambda x, y, a: tf.maximum(x, y),
    "minimum": lambda x, y, a: tf.minimum(x, y),
    "power": lambda x, y, a: tf.pow(x, y),
    "matMul": lambda x, y, a: tf.matmul(x, y, a["transposeA"], a["transposeB"]),
    "biasAdd": lambda x, y, a: tf.nn.bias_add(x, y),
    "conv2d": conv2d,
    "depthwiseConv2d": depthwise,
    "conv2dInputGradient": input_gradient(conv2d),
    "conv2dKernelGradient": kernel_gradient(conv2d),
    "depthwiseConv2dInputGradient": input_gradient(depthwise),
    "depthwiseConv2dKernelGradient": kernel_gradient(depthwise),
    "maxPool": max_pool,
    "avgPool": avg_pool,
    "maxPoolGradient": max_pool_gradient,
    "avgPoolGradient": lambda dy, a: slope(avg_pool, tf.zeros(a["inputShape"], dy.dtype), dy, a),
    "batchNorm": batch_norm,
    "batchNormGradient": batch_norm_gradient,
    "reshape": lambda x, a: tf.reshape(x, a["shape"]),
    "transpose": lambda x, a: tf.transpose(x, a["permutation"]),
    "pad": lambda x, a: tf.pad(x, a["padding"], constant_values=a["value"]),
    "slice": lambda x, a: tf.slice(x, a["begin"], a["size"]),
    "concat": lambda *x: tf.concat(x[:-1], x[-1]["axis"]),
    "broadcastTo": lambda x, a: tf.broadcast_to(x, a["shape"]),
    "reduceSum": reduction(tf.reduce_sum),
    "reduceMean": reduction(tf.reduce_mean),
    "reduceMax": reduction(tf.reduce_max),
    "reduceMaxGradient": reduce_max_gradient,
    "softmax": lambda x, a: tf.nn.softmax(x),
    "softmaxCrossEntropy": lambda x, z, a: tf.nn.softmax_cross_entropy_with_logits(z, x),
    "sigmoidCrossEntropy": lambda x, z, a: tf.nn.sigmoid_cross_entropy_with_logits(z, x),
}
# No gradient rule in the table: only forward.
FORWARD_ONLY = {"cast"} | {op for op in OPS if op.endswith("Gradient") and not op.startswith("relu")}


def case(op, name, inputs, attributes=None, tolerance=1e-5, gradient=True):
    """`gradient` may name the inputs to differentiate by, where others have no meaningful gradient; only of the first
    output is there one."""
    attributes = attributes or {}
    tensors = [
        tf.constant(x, tf.float64) if x.dtype == np.float32 else tf.constant(x) for x in inputs
    ]
    floats = [i for i, x in enumerate(inputs) if x.dtype == np.float32]
    with tf.GradientTape() as tape:
        for i in floats:
            tape.watch(tensors[i])
        result = OPS[op](*tensors, attributes)
        output, *others = result if isinstance(result, tuple) else [result]
    record = {
        "op": op,
        "name": name,
        "attributes": attributes,
        "tolerance": tolerance,
        "inputs": [golden.packed(x) for x in inputs],
        "output": golden.packed(output.numpy()),
    }
    if others:
        record["others"] = [golden.packed(t.numpy()) for t in others]
    if gradient and op not in FORWARD_ONLY and floats and output.dtype == tf.float64:
        by = floats if gradient is True else gradient
        dy = normal(*output.shape)
        slopes = tape.gradient(output, [tensors[i] for i in by], tf.constant(dy, tf.float64))
        record["dy"] = golden.packed(dy)
        record["gradients"] = [
            {"input": i, **golden.packed(np.zeros_like(inputs[i]) if g is None else g.numpy())}
            for i, g in zip(by, slopes)
        ]
    cases.append(record)


def elementwise():
    wide = f32(-100, -30, -7, -6, -2, -1e-3, 0, 1e-3, 1, 5.999, 6, 7, 30, 100)
    positive = f32(1e-6, 1e-3, 0.5, 1, 2, 10, 1e4)
    for op in ["relu", "relu6", "sigmoid", "tanh", "softplus", "exp", "square", "negative"]:
        tolerance = 1e-4 if op == "exp" else 1e-5
        case(op, "rank 3", [normal(2, 3, 4, scale=3)], tolerance=tolerance)
        case(op, "pictures", [normal(2, 3, 5, 7, scale=4)], tolerance=tolerance)
        case(op, "scalar", [normal()], tolerance=tolerance)
        values = wide[wide <= 30] if op == "exp" else wide
        case(op, "large and small", [values], tolerance=tolerance)
        case(op, "small only", [normal(6, scale=1e-3)], tolerance=tolerance)
    for op in ["log", "sqrt", "rsqrt"]:
        case(op, "rank 2", [uniform(0.1, 5, 3, 4)])
        case(op, "scalar", [uniform(1, 2)])
        case(op, "large and small", [positive])
    for op in ["reluGradient", "relu6Gradient"]:
        case(op, "at the edges", [normal(*wide.shape), wide])
        case(op, "pictures", [normal(2, 3, 4, 5), normal(2, 3, 4, 5, scale=4)])
    pixels = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    integers = np.array([-70000, -2, -1, 0, 1, 7, 100000], np.int32)
    case("cast", "uint8 pixels to float32", [pixels], {"dtype": "float32"})
    case("cast", "uint8 to int32", [pixels], {"dtype": "int32"})
    case("cast", "int32 to float32", [integers], {"dtype": "float32"})
    case("cast", "float32 to int32, towards zero", [f32(-2.9, -0.5, 0, 0.5, 2.9)], {"dtype": "int32"})
    case("cast", "float32 to uint8", [f32(0, 0.9, 1.5, 254.7, 255)], {"dtype": "uint8"})


def arithmetic():
    shapes = [
        ("same shape", (2, 3, 4), (2, 3, 4)),
        ("scalar second", (2, 3), ()),
        ("scalar first", (), (4,)),
        ("scalars", (), ()),
        ("row", (2, 3), (3,)),
        ("column", (3, 4), (3, 1)),
        ("both grow", (2, 1, 3), (4, 1)),
        ("a channel each", (2, 3, 3, 5), (5,)),
        ("first a channel each", (1, 1, 1, 5), (2, 3, 3, 5)),
        ("a number each picture", (2, 3, 3, 5), (2, 1, 1, 1)),
        ("a number each position", (2, 3, 3, 5), (2, 3, 3, 1)),
        ("ones", (1, 1), (3, 2)),
    ]
    for op in ["add", "subtract", "multiply", "divide", "maximum", "minimum", "power"]:
        for name, first, second in shapes:
            if op == "power":
                case(op, name, [uniform(0.2, 3, *first), normal(*second, scale=2)], tolerance=1e-4)
            elif op == "divide":
                sign = np.where(normal(*second) > 0, 1, -1).astype(np.float32)
                case(op, name, [normal(*first), sign * uniform(0.5, 2, *second)])
            else:
                case(op, name, [normal(*first), normal(*second)])
    for op in ["maximum", "minimum"]:
        case(op, "ties", [f32(0, 1, 2, -1, 3), f32(0, 2, 1, -1, 3)])
    for op in ["add", "subtract", "multiply", "divide"]:
        case(op, "large values", [normal(6, scale=1e15), normal(6, scale=1e15)])
        case(op, "small values", [normal(6, scale=1e-15), normal(6, scale=1e-15)])
    case("power", "whole exponents of negative bases", [f32(-2, -1, 3), f32(2, 3, 2)], tolerance=1e-4, gradient=[0])
    case("power", "base zero", [f32(0, 0, 0), f32(1, 2, 3)], tolerance=1e-4, gradient=[1])
    case("power", "a beta to the number of the step", [f32(0.999), f32(1)], tolerance=1e-6)
    case("power", "a beta to step 1000", [f32(0.999), f32(1000)], tolerance=1e-4)


def linear():
    for a in [False, True]:
        for b in [False, True]:
            for m, k, n in [(3, 4, 5), (1, 7, 2), (4, 1, 3), (9, 33, 17)]:
                x, y = normal(*((k, m) if a else (m, k))), normal(*((n, k) if b else (k, n)))
                case("matMul", f"[{m},{k}] x [{k},{n}], transposed {a} {b}", [x, y], {"transposeA": a, "transposeB": b})
    case("matMul", "one number", [normal(1, 1), normal(1, 1)], {"transposeA": False, "transposeB": False})
    case("matMul", "a long sum", [normal(2, 700), normal(700, 1)], {"transposeA": False, "transposeB": False})
    case("biasAdd", "features", [normal(3, 4), normal(4)])
    case("biasAdd", "one feature", [normal(3, 1), normal(1)])
    case("biasAdd", "pictures", [normal(2, 3, 4, 5), normal(5)])


def convolutions():
    def conv(name, x, kernel, strides=(1, 1), padding="same", dilations=(1, 1), op="conv2d", scale=1.0):
        attributes = {"strides": keyed(strides), "padding": padding, "dilations": keyed(dilations)}
        case(op, name, [normal(*x, scale=scale), normal(*kernel)], attributes)

    for padding in ["same", "valid"]:
        conv(f"1x1 {padding}", (2, 4, 5, 3), (1, 1, 3, 6), padding=padding)
        conv(f"1x1 stride 2 {padding}", (2, 5, 6, 3), (1, 1, 3, 4), (2, 2), padding)
        for h, w in [(7, 7), (8, 8), (7, 8)]:
            conv(f"3x3 {padding} on {h}x{w}", (1, h, w, 2), (3, 3, 2, 4), padding=padding)
            conv(f"3x3 stride 2 {padding} on {h}x{w}", (2, h, w, 3), (3, 3, 3, 4), (2, 2), padding)
        conv(f"5x5 stride 2 {padding}", (1, 9, 10, 3), (5, 5, 3, 2), (2, 2), padding)
        conv(f"1x7 {padding}", (1, 8, 9, 3), (1, 7, 3, 4), padding=padding)
        conv(f"7x1 {padding}", (1, 8, 9, 3), (7, 1, 3, 4), padding=padding)
        conv(f"2x2 {padding}", (1, 5, 4, 3), (2, 2, 3, 4), padding=padding)
        conv(f"strides 2, 1 {padding}", (2, 6, 7, 3), (3, 3, 3, 2), (2, 1), padding)
        conv(f"dilation 2 {padding}", (1, 9, 8, 3), (3, 3, 3, 2), padding=padding, dilations=(2, 2))
        conv(f"dilation 2, 3 {padding}", (1, 9, 8, 2), (3, 2, 2, 3), padding=padding, dilations=(2, 3))
        conv(f"7x7 stride 2 {padding}", (1, 14, 14, 3), (7, 7, 3, 4), (2, 2), padding)
    conv("stride 3 same", (1, 10, 11, 2), (3, 3, 2, 3), (3, 3))
    conv("stride 2 greater than the kernel same", (1, 7, 8, 2), (1, 2, 2, 3), (2, 3))
    conv("a kernel larger than the picture, same", (1, 2, 3, 2), (5, 5, 2, 3))
    conv("one pixel", (3, 1, 1, 8), (1, 1, 8, 5))
    conv("one channel out", (1, 5, 5, 4), (3, 3, 4, 1))
    conv("many channels", (1, 4, 4, 40), (1, 1, 40, 24))
    conv("large values", (1, 5, 5, 3), (3, 3, 3, 4), scale=1e5)

    def deep(name, x, kernel, *more, **named):
        conv(name, x, kernel, *more, op="depthwiseConv2d", **named)

    for padding in ["same", "valid"]:
        for h, w in [(7, 7), (8, 8), (7, 8)]:
            deep(f"3x3 {padding} on {h}x{w}", (1, h, w, 5), (3, 3, 5, 1), padding=padding)
            deep(f"3x3 stride 2 {padding} on {h}x{w}", (2, h, w, 5), (3, 3, 5, 1), (2, 2), padding)
        deep(f"5x5 stride 2 {padding}", (1, 9, 10, 3), (5, 5, 3, 1), (2, 2), padding)
        deep(f"7x7 {padding}", (1, 9, 9, 4), (7, 7, 4, 1), padding=padding)
        deep(f"7x7 stride 2 {padding}", (1, 11, 12, 2), (7, 7, 2, 1), (2, 2), padding)
        deep(f"multiplier 2 {padding}", (2, 5, 6, 3), (3, 3, 3, 2), padding=padding)
        deep(f"multiplier 3 stride 2 {padding}", (1, 6, 6, 2), (3, 3, 2, 3), (2, 2), padding)
        deep(f"dilation 2 {padding}", (1, 9, 8, 3), (3, 3, 3, 1), padding=padding, dilations=(2, 2))
    deep("one channel", (1, 5, 5, 1), (3, 3, 1, 1))
    deep("one pixel", (2, 1, 1, 6), (3, 3, 6, 1))
    deep("many channels", (1, 4, 4, 67), (3, 3, 67, 1))


def convolution_gradients():
    """By themselves; by way of the convolutions they are tested with those."""

    def gradients(op, name, x, k, y, strides=(1, 1), padding="same"):
        attributes = {"strides": keyed(strides), "padding": padding, "dilations": [1, 1]}
        case(f"{op}InputGradient", name, [normal(*y), normal(*k)], {**attributes, "inputShape": list(x)})
        case(f"{op}KernelGradient", name, [normal(*x), normal(*y)], {**attributes, "kernelShape": list(k)})

    gradients("conv2d", "1x1", (2, 3, 4, 3), (1, 1, 3, 5), (2, 3, 4, 5))
    gradients("conv2d", "3x3 stride 2", (1, 7, 8, 2), (3, 3, 2, 3), (1, 4, 4, 3), (2, 2))
    gradients("conv2d", "3x3 stride 2, rows that no window sees", (1, 8, 7, 2), (3, 3, 2, 3), (1, 3, 3, 3), (2, 2), "valid")
    gradients("depthwiseConv2d", "5x5 stride 2", (1, 7, 8, 3), (5, 5, 3, 1), (1, 4, 4, 3), (2, 2))
    gradients("depthwiseConv2d", "multiplier 2", (2, 5, 4, 2), (3, 3, 2, 2), (2, 3, 2, 4), (1, 1), "valid")


def pools():
    for op in ["maxPool", "avgPool"]:

        def pool(name, x, size, strides, padding, scale=1.0, offset=0.0):
            attributes = {"size": keyed(size), "strides": keyed(strides), "padding": padding}
            case(op, name, [normal(*x, scale=scale) + np.float32(offset)], attributes)

        for padding in ["same", "valid"]:
            for h, w in [(6, 6), (7, 7), (6, 7)]:
                pool(f"2x2 stride 2 {padding} on {h}x{w}", (2, h, w, 3), (2, 2), (2, 2), padding)
                pool(f"3x3 stride 2 {padding} on {h}x{w}", (1, h, w, 4), (3, 3), (2, 2), padding)
                pool(f"3x3 {padding} on {h}x{w}", (1, h, w, 2), (3, 3), (1, 1), padding)
            pool(f"2x3 strides 3, 1 {padding}", (1, 7, 8, 2), (2, 3), (3, 1), padding)
            pool(f"1x1 stride 2 {padding}", (1, 5, 6, 3), (1, 1), (2, 2), padding)
            pool(f"negative values, 3x3 {padding}", (1, 5, 5, 3), (3, 3), (2, 2), padding, 1, -10)
        pool("a window larger than the picture, same", (1, 2, 3, 2), (5, 5), (1, 1), "same")
        pool("the whole picture", (2, 4, 5, 3), (4, 5), (1, 1), "valid")
    # After a relu: zeros tie, and the first of equal ones is owed all.
    tied = np.maximum(np.round(normal(2, 5, 6, 2)), 0)
    for strides, padding in [((1, 1), "same"), ((2, 2), "same"), ((2, 2), "valid")]:
        a = {"size": [3, 3], "strides": keyed(strides), "padding": padding}
        top = max_pool(tied, a).numpy()
        case("maxPoolGradient", f"ties, strides {strides}, {padding}", [normal(*top.shape), tied, top], a)
        shape = {"inputShape": list(tied.shape)}
        case("avgPoolGradient", f"strides {strides}, {padding}", [normal(*top.shape)], {**a, **shape})


def normalizations():
    def norm(name, *shape, epsilon=1e-3, scale=1.0, offset=0.0):
        x, channels = normal(*shape, scale=scale) + np.float32(offset), shape[-1]
        gamma, beta = uniform(0.5, 2, channels), normal(channels)
        case("batchNorm", name, [x, gamma, beta], {"epsilon": epsilon})
        _, *statistics = batch_norm(*[tf.constant(t, tf.float64) for t in (x, gamma, beta)], {"epsilon": epsilon})
        case("batchNormGradient", name, [normal(*shape), x, gamma, *[t.numpy().astype(np.float32) for t in statistics]], {"epsilon": epsilon})

    norm("pictures", 2, 3, 4, 5)
    norm("one picture", 1, 4, 5, 3)
    norm("pictures of one pixel", 4, 1, 1, 6)
    norm("features", 6, 7)
    norm("one channel", 2, 3, 3, 1)
    norm("another epsilon", 3, 5, epsilon=0.1)
    norm("far from zero", 2, 4, 4, 3, offset=20)
    norm("one example of features", 1, 4)


def arrange():
    pixels = rng.integers(0, 256, (2, 2, 3, 3)).astype(np.uint8)
    integers = rng.integers(-9, 9, (2, 3, 4)).astype(np.int32)
    case("reshape", "flattened", [normal(2, 3, 4, 5)], {"shape": [2, 60]})
    case("reshape", "an axis more", [normal(6)], {"shape": [2, 1, 3]})
    case("reshape", "a scalar to [1]", [normal()], {"shape": [1]})
    case("reshape", "[1, 1] to a scalar", [normal(1, 1)], {"shape": []})
    case("reshape", "uint8", [pixels], {"shape": [2, 18]})
    case("reshape", "int32", [integers], {"shape": [6, 4]})
    case("transpose", "a matrix", [normal(3, 4)], {"permutation": [1, 0]})
    case("transpose", "rank 3", [normal(2, 3, 4)], {"permutation": [2, 0, 1]})
    case("transpose", "channels first", [normal(2, 3, 4, 5)], {"permutation": [0, 3, 1, 2]})
    case("transpose", "channels last", [normal(2, 3, 4, 5)], {"permutation": [0, 2, 3, 1]})
    case("transpose", "all reversed", [normal(2, 3, 4, 5)], {"permutation": [3, 2, 1, 0]})
    case("transpose", "nothing moves", [normal(2, 3)], {"permutation": [0, 1]})
    case("transpose", "an axis of one", [normal(4, 1, 3)], {"permutation": [1, 0, 2]})
    case("transpose", "int32", [integers], {"permutation": [1, 2, 0]})
    case("pad", "pictures, one side", [normal(2, 3, 4, 2)], {"padding": [[0, 0], [0, 1], [0, 1], [0, 0]], "value": 0})
    case("pad", "pictures, uneven", [normal(1, 3, 4, 2)], {"padding": [[0, 0], [2, 1], [0, 3], [0, 0]], "value": 0})
    case("pad", "channels", [normal(1, 2, 2, 3)], {"padding": [[0, 0], [0, 0], [0, 0], [1, 2]], "value": 0})
    case("pad", "a value", [normal(2, 3)], {"padding": [[1, 0], [0, 2]], "value": -1.5})
    case("pad", "a vector", [normal(3)], {"padding": [[2, 1]], "value": 0})
    case("pad", "none", [normal(2, 3)], {"padding": [[0, 0], [0, 0]], "value": 0})
    case("slice", "pictures cropped", [normal(2, 5, 6, 3)], {"begin": [0, 1, 1, 0], "size": [2, 4, 3, 3]})
    case("slice", "channels", [normal(2, 2, 2, 6)], {"begin": [0, 0, 0, 2], "size": [2, 2, 2, 3]})
    case("slice", "one number", [normal(7)], {"begin": [6], "size": [1]})
    case("slice", "rows", [normal(5, 3)], {"begin": [2, 0], "size": [2, 3]})
    case("slice", "the whole", [normal(2, 3)], {"begin": [0, 0], "size": [2, 3]})
    case("slice", "int32", [integers], {"begin": [1, 0, 1], "size": [1, 2, 3]})
    case("slice", "uint8", [pixels], {"begin": [0, 1, 0, 0], "size": [2, 1, 2, 3]})
    case("concat", "channels", [normal(2, 3, 3, c) for c in (2, 1, 4)], {"axis": 3})
    case("concat", "rows", [normal(1, 3), normal(2, 3)], {"axis": 0})
    case("concat", "twelve", [normal(2, 2, c % 3 + 1) for c in range(12)], {"axis": 2})
    case("concat", "the middle axis", [normal(2, 1, 3), normal(2, 4, 3)], {"axis": 1})
    case("concat", "vectors", [normal(2), normal(3)], {"axis": 0})
    case("concat", "one alone", [normal(2, 3)], {"axis": 1})
    case("concat", "int32", [integers, integers], {"axis": 2})
    case("broadcastTo", "a scalar", [normal()], {"shape": [2, 3]})
    case("broadcastTo", "a row", [normal(3)], {"shape": [2, 3]})
    case("broadcastTo", "a column", [normal(2, 1)], {"shape": [2, 4]})
    case("broadcastTo", "a channel each", [normal(1, 1, 1, 3)], {"shape": [2, 4, 3, 3]})
    case("broadcastTo", "the middle axis", [normal(2, 1, 3)], {"shape": [2, 5, 3]})
    case("broadcastTo", "nothing", [normal(2, 3)], {"shape": [2, 3]})


def reductions():
    for op in ["reduceSum", "reduceMean", "reduceMax"]:
        for keep in [False, True]:
            for shape, axes in [
                ((3, 4), [0]),
                ((3, 4), [1]),
                ((3, 4), [0, 1]),
                ((2, 3, 4), [1]),
                ((2, 3, 4), [0, 2]),
                ((2, 3, 4, 5), [1, 2]),
                ((2, 3, 4, 5), [0, 1, 2]),
                ((2, 3, 4, 5), [3]),
                ((5,), [0]),
                ((1, 1, 1, 4), [1, 2]),
            ]:
                kept = "kept" if keep else "dropped"
                case(op, f"{list(shape)} along {axes}, {kept}", [normal(*shape)], {"axes": axes, "keepDims": keep})
    case("reduceSum", "many", [uniform(0, 1, 2000)], {"axes": [0], "keepDims": False})
    case("reduceMean", "many, far from zero", [uniform(100, 101, 2, 30, 30)], {"axes": [1, 2], "keepDims": False})
    case("reduceMax", "ties", [f32(1, 3, 3, 2).reshape(2, 2)], {"axes": [0, 1], "keepDims": False})
    case("reduceMax", "all negative", [-uniform(1, 2, 3, 4)], {"axes": [1], "keepDims": False})
    tied = np.array([[1, 2, 2], [0, 0, 0], [-1, -3, -1]], np.float32)
    for axes in [[0], [1], [0, 1]]:
        top = np.max(tied, axis=tuple(axes), keepdims=True)
        case("reduceMaxGradient", f"ties along {axes}", [normal(*top.shape), tied, top], {"axes": axes})
    x = np.maximum(normal(2, 3, 4, 5), 0)
    top = x.max(axis=(1, 2), keepdims=True)
    case("reduceMaxGradient", "pictures after a relu", [normal(*top.shape), x, top], {"axes": [1, 2]})


def heads():
    def targets(n, c):
        return np.eye(c, dtype=np.float32)[rng.integers(0, c, n)]

    extreme = f32(100, -100, 0, -100, 100, 0, -100, -100, 100, 100, 100, -100).reshape(4, 3)
    case("softmax", "classes", [normal(4, 5)])
    case("softmax", "one class", [normal(3, 1)])
    case("softmax", "extreme", [extreme])
    case("softmax", "far apart", [f32(1000, 0, -1000, 999).reshape(1, 4)])
    case("softmax", "rank 3", [normal(2, 3, 4)])
    for name, logits in [("plain", normal(4, 5, scale=2)), ("one picture", normal(1, 3)), ("extreme", extreme)]:
        n, c = logits.shape
        z = targets(n, c)
        case("softmaxCrossEntropy", name, [logits, z])
        case("softmaxCrossEntropy", f"{name}, smoothed", [logits, z * np.float32(0.9) + np.float32(0.1 / c)])
    case("softmaxCrossEntropy", "many classes", [normal(2, 1000), targets(2, 1000)])
    binary = (uniform(0, 1, 6, 1) > 0.5).astype(np.float32)
    case("sigmoidCrossEntropy", "one unit", [normal(6, 1, scale=3), binary])
    case("sigmoidCrossEntropy", "many units", [normal(3, 4), targets(3, 4)])
    case("sigmoidCrossEntropy", "soft targets", [normal(3, 4), uniform(0, 1, 3, 4)])
    logits = f32(-100, -100, 100, 100, 0, 0, -17, 17, 16, -16).reshape(-1, 1)
    case("sigmoidCrossEntropy", "extreme", [logits, f32(0, 1, 0, 1, 0, 1, 1, 0, 1, 0).reshape(-1, 1)])


def activations():
    wide = f32(-100, -30, -7, -3, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 3, 7, 30, 100)
    for op in ["erf", "silu", "gelu"]:
        case(op, "rank 3", [normal(2, 3, 4, scale=3)])
        case(op, "pictures", [normal(2, 3, 5, 7, scale=2)])
        case(op, "scalar", [normal()])
        case(op, "large and small", [wide])
        case(op, "small only", [normal(6, scale=1e-3)])
    case("siluGradient", "large and small", [normal(*wide.shape), wide])
    case("siluGradient", "pictures", [normal(2, 3, 4, 5), normal(2, 3, 4, 5, scale=4)])


for family in [elementwise, arithmetic, linear, convolutions, convolution_gradients, pools, normalizations, arrange, reductions, heads, activations]:
    family()
golden.write("ops", {"cases": cases}, tf, np)
print(len(cases), "cases")
