"""Fine-tuning as a notebook does it: ImageDataGenerator, `flow_from_directory` and `fit`, for bench/finetune.ts and fruits-epoch.ts.

Run: python bench/keras_finetune.py JSON    (the arguments of `finetune`; the last line printed is JSON)
"""

import json
import sys
import time

import keras
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from keras_side import MODELS
from keras_steps import head_layer

ROW = dict(
    rotation_range=40,
    width_shift_range=0.1,
    height_shift_range=0.1,
    shear_range=0.2,
    zoom_range=0.2,
    horizontal_flip=True,
    fill_mode="nearest",
)


class Seconds(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def finetune(
    train, classes, model, first, head, epochs, rate, batch, seed, validation=None, weights=None, alpha=1.0, rescale=None
):
    """`rescale` stands in for what the model's own preprocessing does."""
    keras.utils.set_random_seed(seed)
    make, module = MODELS[model]
    own = dict(rescale=rescale) if rescale else dict(preprocessing_function=module.preprocess_input)
    settings = dict(target_size=(224, 224), batch_size=batch, class_mode="categorical", classes=classes)
    pictures = ImageDataGenerator(**own, **ROW).flow_from_directory(train, seed=seed, **settings)
    held_out = validation and ImageDataGenerator(**own).flow_from_directory(validation, shuffle=False, **settings)

    more = {"alpha": alpha} if alpha != 1 else {}
    base = make(weights=weights, include_top=False, input_shape=(224, 224, 3), **more)
    for layer in base.layers[:first]:
        layer.trainable = False
    x = base.output
    for i, layer in enumerate(head):
        x = head_layer(layer, f"head_{i}")(x)
    net = keras.Model(base.input, x)
    rule = keras.optimizers.Adam(rate)
    net.compile(loss="categorical_crossentropy", optimizer=rule, metrics=["accuracy"])
    timer = Seconds()
    fitted = net.fit(pictures, epochs=epochs, validation_data=held_out, verbose=0, callbacks=[timer])
    return {
        "accuracy": fitted.history["accuracy"],
        "valAccuracy": fitted.history.get("val_accuracy", []),
        "seconds": timer.seconds,
    }


if __name__ == "__main__":
    print(json.dumps(finetune(**json.loads(sys.argv[1]))))
