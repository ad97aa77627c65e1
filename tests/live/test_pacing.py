from dexgen_app.live.pacing import Pacer, RealTimeFactor

P = 1000


def test_ticks_on_time_are_not_late():
    pacer = Pacer(P, 0)
    assert pacer.begin(0) == 0
    assert pacer.begin(P) == P
    assert pacer.begin(2 * P + P // 2) == P + P // 2
    assert pacer.late == 0


def test_deadlines_do_not_drift():
    pacer = Pacer(P, 0)
    for tick in range(50):
        pacer.begin(tick * P + 300)
    assert pacer.remaining_ns(49 * P + 300) == P - 300
    assert pacer.late == 0


def test_a_tick_more_than_half_a_period_late_counts():
    pacer = Pacer(P, 0)
    pacer.begin(0)
    pacer.begin(P + 501)
    assert pacer.late == 1
    assert pacer.remaining_ns(P + 501) == 499


def test_missed_deadlines_count_and_are_not_made_up_for():
    pacer = Pacer(P, 0)
    pacer.begin(0)
    pacer.begin(11 * P)  # ten were missed
    assert pacer.late == 10
    assert pacer.remaining_ns(11 * P) == P
    pacer.begin(12 * P)
    assert pacer.late == 10


def test_a_wait_that_was_meant_is_not_late():
    pacer = Pacer(P, 0)
    pacer.begin(0)
    pacer.restart(100 * P)
    pacer.begin(100 * P)
    assert pacer.late == 0


def test_the_real_time_factor_is_that_of_the_last_second():
    factor = RealTimeFactor()
    for tick in range(100):
        value = factor.add(tick * 20_000_000, 0.02)
    assert abs(value - 1.0) < 1e-6
    for tick in range(100, 300):
        value = factor.add(tick * 20_000_000, 0.01)
    assert abs(value - 0.5) < 1e-6
