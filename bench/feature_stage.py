"""From JPEGs to features as Keras does it, for bench/feature-stage.ts: seconds on stdout, without start-up.

Run: python bench/feature_stage.py FOLDER MODEL    (FOLDER has train/ and validation/, each with one folder a class)
"""
import os
import sys
import time

os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
import keras

folder, name = sys.argv[1:]
trunk = getattr(keras.applications, name)(include_top=False, weights=None, pooling='avg', input_shape=(224, 224, 3))
model = keras.Sequential([keras.Input((224, 224, 3)), keras.layers.Rescaling(1 / 127.5, offset=-1), trunk])
model.predict(keras.ops.zeros((32, 224, 224, 3)), verbose=0)
began = time.perf_counter()
for split in ('train', 'validation'):
    pictures = keras.utils.image_dataset_from_directory(
        os.path.join(folder, split), labels=None, image_size=(224, 224), batch_size=32, shuffle=False, verbose=False)
    model.predict(pictures, verbose=0)
print(time.perf_counter() - began)
