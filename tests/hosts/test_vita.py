"""Vital as a host: what it refuses, and that it tells the truth about a preset."""

import numpy as np
import pytest

from patchflow.errors import EngineError, RenderError
from patchflow.hosts import HostProcess

pytestmark = pytest.mark.slow

NOTE = {"pitch": 60, "velocity": 100, "hold": 0.1, "length": 0.2}


def test_a_preset_that_vital_refuses_is_an_error_before_it_plays():
    with (
        HostProcess("vita", {"preset": "{}"}, name="vital") as host,
        pytest.raises(EngineError, match="vital: .*refuse"),
    ):
        host.ask("render", NOTE)


def test_a_preset_that_vital_refuses_while_it_plays_costs_only_this_note():
    with HostProcess("vita", name="vital") as host:
        with pytest.raises(RenderError, match="vital: Vital refuses this preset"):
            host.ask("render", NOTE, b"{}")

        assert np.frombuffer(host.ask("render", NOTE).data, np.float32).any()


def test_a_question_that_it_does_not_know_is_an_error():
    with HostProcess("vita") as host, pytest.raises(RenderError, match="no question 'sing'"):
        host.ask("sing")


def test_controls_are_set_from_the_first_sample_on_and_for_one_note_alone():
    with HostProcess("vita") as host:
        before, quiet, after = (
            host.ask("render", {**NOTE, "controls": controls}).data
            for controls in ({"osc_1_random_phase": 0.0}, {"osc_1_level": 0.0}, {"osc_1_random_phase": 0.0})
        )

    assert before == after
    assert np.abs(np.frombuffer(quiet, np.float32)).max() < 1e-3
