"""Writes test/fixtures/weights/hostile.h5: HDF5 that is well formed and means harm.

h5py 3.14.0. Run: python test/golden/hostile-h5.py
"""

import pathlib

import h5py
import numpy as np

out = pathlib.Path(__file__).parent.parent / "fixtures" / "weights"
with h5py.File(out / "hostile.h5", "w") as file:
    # Values that lie in another file of the reader's machine, as seen from where it works.
    file.create_dataset("outside", (16,), "u1", external=[("package.json", 0, 16)])
    # 10^12 numbers, of which one chunk is there: four terabytes out of some kilobytes.
    numbers = file.create_dataset(
        "numbers", (10**9, 1000), "f4", chunks=(100, 1000), compression="gzip"
    )
    numbers[:100] = np.ones((100, 1000), "f4")
    # The same as a list of names, and names that lead out of their group.
    file.create_dataset("names", (10**12,), "S8", chunks=(1000,))
    group = file.create_group("group")
    group.attrs["weight_names"] = np.array([b"../outside", b"/outside", b"group/../../outside"])
    # A group within itself, without end.
    group["self"] = group
