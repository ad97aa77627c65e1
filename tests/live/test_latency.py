import numpy as np
from live_fakes import N

from dexgen_app.live.latency import SessionStatistics, format_report, percentiles
from dexgen_app.live.row import Clip, SessionState, row_dtype


def rows(count, first=0):
    made = np.zeros(count, row_dtype(N))
    tick = first + np.arange(count)
    made["stamp_ns"] = tick * 16_666_667
    made["state"] = SessionState.ACTIVE
    made["sample_sequence"] = tick // 2  # a device of half the rate
    made["latency_ns"] = 1_000_000
    made["latency_ns"][:, 0] = 2_000_000 + 10_000_000 * (tick % 2)  # the second look is older
    made["latency_ns"][:, 5] = -1
    made["real_time_factor"] = 1.0
    made["late"] = tick // 50
    return made


def test_a_sample_counts_once_when_it_was_new():
    statistics = SessionStatistics()
    statistics.add(rows(60))
    statistics.add(rows(60, first=60), lost=3)
    report = statistics.report()
    assert report["ticks"] == 120 and report["rows_lost"] == 3
    assert abs(report["rate_hz"] - 60.0) < 0.1
    assert abs(report["samples_hz"] - 30.0) < 0.5
    assert report["latency_ms"]["device"] == {"p50": 2.0, "p95": 2.0, "max": 2.0}
    assert report["latency_ms"]["total"]["p50"] is None
    assert report["late_ticks"] == 2


def test_clips_are_counted_while_active_only():
    made = rows(10)
    made["clip"][:5] = Clip.JUMP
    made["state"][:4] = SessionState.ARMED
    statistics = SessionStatistics()
    statistics.add(made)
    assert statistics.report()["clips_percent"]["jump"] == round(100 / 6, 3)
    assert statistics.report()["clips_percent"]["stop"] == 0.0


def test_the_time_before_the_connection_does_not_count():
    before = rows(3)
    before["state"] = SessionState.DISCONNECTED
    statistics = SessionStatistics()
    statistics.add(before)
    assert statistics.report() == {"ticks": 0}
    statistics.add(rows(60, first=5000))
    assert abs(statistics.report()["rate_hz"] - 60.0) < 0.1


def test_a_session_without_ticks_has_a_report_too():
    assert format_report(SessionStatistics().report()) == "no ticks"


def test_the_text_names_every_stage():
    statistics = SessionStatistics()
    statistics.add(rows(30))
    text = format_report(statistics.report())
    for word in ("device", "retarget", "controller", "filter", "hand", "total", "late"):
        assert word in text


def test_percentiles_leave_out_what_did_not_run():
    assert percentiles(np.array([-1, 5_000_000, -1])) == {"p50": 5.0, "p95": 5.0, "max": 5.0}
