"""The first row of the course as a notebook does it: whole process, for bench/first-row.ts.

Run: python bench/first_row.py FOLDER    (FOLDER has train/ and validation/, each with two classes)
"""
import os
import sys

os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
import keras
from keras.src.legacy.preprocessing.image import ImageDataGenerator

folder = sys.argv[1]
images = ImageDataGenerator(rescale=1 / 255)
settings = dict(target_size=(224, 224), batch_size=16, class_mode='binary')
train = images.flow_from_directory(os.path.join(folder, 'train'), seed=8, **settings)
validation = images.flow_from_directory(os.path.join(folder, 'validation'), **settings)
keras.utils.set_random_seed(8)
trunk = keras.applications.NASNetMobile(include_top=False, weights=None, input_shape=(224, 224, 3))
trunk.trainable = False
model = keras.Sequential([
    trunk,
    keras.layers.Flatten(),
    keras.layers.Dense(500, activation='relu'),
    keras.layers.Dense(1, activation='sigmoid'),
])
model.compile(loss='binary_crossentropy', optimizer=keras.optimizers.Adam(1e-3), metrics=['accuracy'])
model.fit(train, steps_per_epoch=train.n // 16, epochs=5, validation_data=validation,
          validation_steps=validation.n // 16, verbose=2)
