"""Runs written with --tensorboard, read by the real TensorBoard, against their metrics.jsonl: exactly, as float32.

    python bench/tensorboard_read.py RUN_FOLDER…     (TensorBoard from PyPI; TensorFlow is not needed)

Each scalar, step and split has to be there once and nothing else. Also said: TensorBoard's name for each folder.
"""

import json
import pathlib
import struct
import sys

import tensorboard
from tensorboard.backend.event_processing import event_accumulator, event_multiplexer


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def expected(folder, split):
    scalars = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        epoch = json.loads(line)
        for name, value in epoch.get(split, {}).items():
            if value is not None:
                scalars.setdefault(f"epoch_{name}", []).append((epoch["epoch"], float32(value)))
    return scalars


def read(folder):
    events = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    if events.file_version != 2.0:
        sys.exit(f"{folder}: file version {events.file_version}")
    found = {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}
    for tag, points in found.items():
        times = [point.wall_time for point in points]
        if times != sorted(times):
            sys.exit(f"{folder}: the times of {tag} go back")
    return {tag: [(point.step, point.value) for point in points] for tag, points in found.items()}


def check(run):
    count = 0
    for split in ("train", "validation"):
        want = expected(run, split)
        folder = run / "tensorboard" / split
        if not want and not folder.exists():
            continue
        if (got := read(folder)) != want:
            sys.exit(f"{folder}: TensorBoard reads\n{got}\nmetrics.jsonl has\n{want}")
        count += sum(map(len, want.values()))
    multiplexer = event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(run / "tensorboard"))
    multiplexer.Reload()
    print(f"{run.name}: {count} scalars equal; TensorBoard's runs: {', '.join(sorted(multiplexer.Runs()))}")
    return count


total = sum(check(pathlib.Path(argument)) for argument in sys.argv[1:])
print(f"TensorBoard {tensorboard.__version__}: {total} scalars")
if total == 0:
    sys.exit("nothing was compared")
