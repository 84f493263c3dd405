"""The Python side of bench/augmentation.ts: one JSON line in, one out. Costs are seconds {wall, cpu} of this process."""

import json
import sys

import keras
import numpy as np
import tensorflow as tf
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from keras_side import measure

tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.threading.set_inter_op_parallelism_threads(1)
BATCH = 16

state = {}


def noise(shape):
    return np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)


def versions():
    return {"keras": keras.__version__, "tensorflow": tf.__version__}


def generator(size, count, settings):
    """One picture after another, from bytes to its place in a batch, as the generator's iterators do it."""
    one = ImageDataGenerator(**settings)
    picture = noise((size, size, 3))
    batch = np.zeros((BATCH, size, size, 3), np.float32)

    def work():
        for i in range(count):
            batch[i % BATCH] = one.random_transform(picture.astype(np.float32))

    work()

    return measure(work)


def graph(size, count):
    """Batches of uint8 pictures through ImageProjectiveTransformV3 in a graph, with one transform each."""
    if "graph" not in state:

        @tf.function
        def warp(pictures, transforms):
            return tf.raw_ops.ImageProjectiveTransformV3(
                images=tf.cast(pictures, tf.float32),
                transforms=transforms,
                output_shape=[size, size],
                fill_value=0.0,
                interpolation="BILINEAR",
                fill_mode="NEAREST",
            )

        state["graph"] = warp
        state["pictures"] = tf.constant(noise((BATCH, size, size, 3)))
        transforms = np.tile([0.9, -0.3, 20, 0.3, 0.95, -12, 0, 0], (BATCH, 1))
        state["transforms"] = tf.constant(transforms.astype(np.float32))
        warp(state["pictures"], state["transforms"])

    def work():
        for _ in range(count // BATCH):
            state["graph"](state["pictures"], state["transforms"])

    return measure(work)


def main():
    answers = {f.__name__: f for f in (versions, generator, graph)}
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(answers[question.pop("do")](**question)), flush=True)


if __name__ == "__main__":
    main()
