"""The Keras side of bench/export.ts: loads FOLDER/model.keras as anybody would and predicts the pixels beside it.

Prints {"pictures", "difference", "version"}: how far its outputs are from those that stand in FOLDER/outputs.f32.
"""

import json
import os
import sys

import keras
import numpy as np

folder = sys.argv[1]
model = keras.saving.load_model(os.path.join(folder, "model.keras"))
with open(os.path.join(folder, "check.json")) as file:
    shape = json.load(file)["shape"]
pixels = np.fromfile(os.path.join(folder, "pixels.u8"), np.uint8).reshape(shape)
outputs = np.fromfile(os.path.join(folder, "outputs.f32"), np.float32)
got = model.predict(pixels.astype("float32"), batch_size=8, verbose=0)
difference = float(np.abs(got.reshape(-1) - outputs).max())
print(json.dumps({"pictures": shape[0], "difference": difference, "version": keras.__version__}))
