from __future__ import annotations

from dexgen_app.gui.view_pacing import Pacing
from dexgen_app.render.renderer import Quality


def run(pacing: Pacing, frames: int, asked_ms: float, ready_ms: float) -> Quality:
    """Play frames whose pictures are ready some time after they were asked for."""
    quality = pacing.quality(dragging=False, software=True)
    for _ in range(frames):
        quality = pacing.quality(dragging=False, software=True)
        pacing.asked(asked_ms)
        pacing.fetched(max(0.0, ready_ms - pacing.draw_ms))
    return quality


def test_cheap_pictures_stay_best() -> None:
    assert run(Pacing(), 100, 3.0, 12.0) == Quality()


def test_the_fetch_soon_comes_when_the_picture_is_ready() -> None:
    pacing = Pacing()
    run(pacing, 60, 3.0, 25.0)
    assert 20.0 <= pacing.draw_ms <= 30.0


def test_slow_pictures_step_down_and_cheap_ones_up_again() -> None:
    pacing = Pacing()
    assert run(pacing, 60, 8.0, 110.0) == Quality(shadows=False, scale=0.5)
    assert run(pacing, 10, 8.0, 30.0) == Quality(shadows=False, scale=0.5)
    assert run(pacing, 300, 3.0, 8.0) == Quality()


def test_a_single_slow_picture_changes_nothing() -> None:
    pacing = Pacing()
    run(pacing, 20, 3.0, 10.0)
    run(pacing, 1, 70.0, 10.0)
    assert run(pacing, 20, 3.0, 10.0) == Quality()


def test_a_gpu_draws_smooth_edges_at_full_size() -> None:
    pacing = Pacing()
    run(pacing, 50, 60.0, 100.0)
    assert pacing.quality(dragging=True, software=False) == Quality(samples=4)


def test_dragging_is_drawn_small_where_pictures_take_long() -> None:
    pacing = Pacing()
    run(pacing, 20, 8.0, 30.0)
    assert pacing.quality(dragging=True, software=True) == Quality(shadows=False, scale=0.5)
    assert pacing.quality(dragging=False, software=True) == Quality()


def test_the_window_gets_half_of_the_time_and_30_pictures_a_second_at_most() -> None:
    pacing = Pacing()
    pacing.asked(3.0)
    assert pacing.rest_ms(13.0) == 20.0
    pacing.asked(60.0)
    assert pacing.rest_ms(90.0) == 60.0
