"""Prints the curves in a folder of event files as JSON, as TensorBoard reads them: pairs of step and value by name."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

# No points are left out.
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
curves = {tag: [[point.step, point.value] for point in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
print(json.dumps(curves))
