import itertools

import pytest

from dexgen_app.live.row import SessionState as S
from dexgen_app.live.states import TRANSITIONS, StateMachine, TransitionError


@pytest.fixture
def machine():
    changes = []
    machine = StateMachine(lambda state, reason: changes.append((state, reason)))
    machine.changes = changes
    return machine


def test_it_begins_disconnected(machine):
    assert machine.state == S.DISCONNECTED
    assert not machine.connected and not machine.armed


def test_the_way_to_motion(machine):
    for state in (S.CONNECTING, S.CONNECTED, S.ARMED, S.ACTIVE):
        machine.move(state, "because")
    assert machine.armed and machine.connected
    assert machine.changes[-1] == (S.ACTIVE, "because")


@pytest.mark.parametrize("start, end", list(itertools.product(S, S)))
def test_every_pair_of_states(machine, start, end):
    machine.state = start
    if start == end:
        machine.move(end)
        assert not machine.changes
    elif end in TRANSITIONS[start]:
        machine.move(end)
        assert machine.state == end
    else:
        with pytest.raises(TransitionError, match=start.name):
            machine.move(end)
        assert machine.state == start


def test_motion_has_one_door():
    assert {s for s in S if S.ACTIVE in TRANSITIONS[s]} == {S.ARMED}
    assert {s for s in S if S.ARMED in TRANSITIONS[s]} == {S.CONNECTED, S.ACTIVE}


def test_stop_and_fault_are_never_armed_again_by_themselves():
    assert TRANSITIONS[S.STOPPED].isdisjoint({S.ARMED, S.ACTIVE})
    assert TRANSITIONS[S.FAULT].isdisjoint({S.ARMED, S.ACTIVE})


def test_a_connected_hand_can_always_be_stopped():
    for state in (S.CONNECTED, S.ARMED, S.ACTIVE):
        assert {S.STOPPED, S.FAULT, S.DISCONNECTED} <= TRANSITIONS[state]
