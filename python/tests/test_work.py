"""Threads, progress and Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import SAMPLE

from crystal_mmpt import embed, featurise

SLOW = """
import sys
from crystal_mmpt import featurise

text = open(sys.argv[1]).read()
many = {str(number): text for number in range(20_000)}
began = []

def tell(done, total, what):
    if not began:
        print("began", flush=True)
    began.append(done)

try:
    featurise(many, threads=1, neighbours="all", progress=tell)
    print("done", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_ends_the_work_at_once():
    kyanite = SAMPLE / "Al2SiO5-kyanite.cif"
    command = [sys.executable, "-c", SLOW, str(kyanite)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "began\n"
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        said, _ = process.communicate(timeout=60)
    assert said == "interrupted\n" and time.monotonic() - began < 5


def test_progress_counts_to_the_end_and_other_threads_go_on(cifs):
    told, ticks, over = [], [], threading.Event()

    def tick():
        while not over.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    ticker = threading.Thread(target=tick)
    ticker.start()
    texts = [path.read_text() for path in cifs] * 20
    featurise(texts, threads=1, progress=lambda done, total, text: told.append((done, total, text)))
    over.set()
    ticker.join()
    # A text may hold several structures.
    assert told[-1][0] == told[-1][1] >= len(texts)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert len(ticks) > 10


def test_an_exception_of_the_callback_ends_the_work(cifs):
    def refuse(done, total, text):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        featurise([path.read_text() for path in cifs], progress=refuse)


def test_the_featurising_of_what_is_embedded_is_told_and_ended(tuned):
    text = (SAMPLE / "Al2SiO5-kyanite.cif").read_text()
    told = []

    def refuse(done, total, what):
        told.append(what)
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        weights = tuned.members[0]["folder"] / "best.safetensors"
        embed({str(number): text for number in range(20_000)}, weights, threads=1, progress=refuse)
    assert told == ["bytes"]


def test_signals_and_the_environment_stay_as_they_are(cifs):
    before = signal.getsignal(signal.SIGINT)
    featurise(cifs[:3])
    assert signal.getsignal(signal.SIGINT) is before
