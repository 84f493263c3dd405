"""Event files of TensorBoard as TensorFlow writes them: python test/golden/event-files.py (TensorFlow 2.21.0).

Each case is a file: its version, then events with all figures of a step. The messages are made by TensorFlow's own protobuf
classes and framed by its own TFRecordWriter.
"""

import base64
import pathlib
import tempfile

import golden
import tensorflow as tf
from tensorflow.core.framework import summary_pb2
from tensorflow.core.util import event_pb2


def file_of(version, events):
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "events")
        with tf.io.TFRecordWriter(path) as writer:
            writer.write(event_pb2.Event(wall_time=version, file_version="brain.Event:2").SerializeToString())
            for event in events:
                values = [summary_pb2.Summary.Value(tag=t, simple_value=v) for t, v in event["scalars"].items()]
                message = event_pb2.Event(
                    wall_time=event["wallTime"], step=event["step"], summary=summary_pb2.Summary(value=values)
                )
                writer.write(message.SerializeToString())
        return base64.b64encode(pathlib.Path(path).read_bytes()).decode()


cases = [
    (1764111845.25, [{"wallTime": 1764111846.5, "step": 1, "scalars": {"epoch_loss": 0.6931471805599453}}]),
    (
        1764111845.123456,
        [
            {"wallTime": 1764111846.789012, "step": 1, "scalars": {"epoch_loss": 1.25, "epoch_accuracy": 0.1}},
            {"wallTime": 1764111847.25, "step": 2, "scalars": {"epoch_loss": 1e-30, "epoch_accuracy": 1 / 3}},
            {"wallTime": 1764111848.0, "step": 127, "scalars": {"epoch_loss": 3.4e38, "epoch_accuracy": 1.0}},
            {"wallTime": 1764111849.5, "step": 128, "scalars": {"epoch_loss": 0.1}},
            {"wallTime": 1764111850.75, "step": 16384, "scalars": {"epoch_loss": -2.5e-7}},
            {"wallTime": 1764111851.0, "step": 2**33, "scalars": {"epoch_loss": 7.0}},
        ],
    ),
    (0.5, [{"wallTime": 1.5, "step": 3, "scalars": {f"epoch_Größe_{i}": i / 7 for i in range(1, 12)}}]),
]
content = [{"version": v, "events": events, "base64": file_of(v, events)} for v, events in cases]
golden.write("event-files", {"cases": content}, tf)
