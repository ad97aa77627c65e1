from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dexgen_app.live.row import row_dtype
from dexgen_app.render.camera import Camera
from dexgen_app.render.context import GraphicsError
from dexgen_app.render.palette import PALETTES
from dexgen_app.render.renderer import MAX_PARTS, Quality, SceneRenderer
from dexgen_app.render.scene import OBJECT, SceneDescription
from dexgen_app.render.stage import Stage

GOLDEN = Path(__file__).parent / "golden"
SIZE = (320, 240)
UP = np.array([0.0, 0.0, -1.0])


def row(**fields: object) -> np.void:
    record = np.zeros((), row_dtype(2))
    record["command"] = record["target"] = record["object_pose"] = np.nan
    record["gravity"] = UP
    for name, value in fields.items():
        record[name] = value
    return record[()]


def draw(
    renderer: SceneRenderer, stage: Stage, view: str = "iso", quality: Quality | None = None
) -> np.ndarray:
    stage.apply(renderer)
    return renderer.render(stage.camera(view, SIZE[0] / SIZE[1]), SIZE, quality)


def difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


def check_golden(name: str, actual: np.ndarray, folder: Path) -> None:
    """Compare with a stored picture; DEXGEN_UPDATE_GOLDEN=1 stores what is drawn."""
    path = GOLDEN / f"{name}.png"
    if os.environ.get("DEXGEN_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        Image.fromarray(actual).save(path)
    expected = np.asarray(Image.open(path).convert("RGB"))
    gap = difference(actual, expected)
    if gap >= 3.0:
        Image.fromarray(actual).save(folder / f"{name}.png")
    assert gap < 3.0, f"{name} differs by {gap:.1f} of 255; see {folder}"


def full_row() -> np.void:
    contacts = np.zeros((16, 6))
    contacts[0] = [0.09, 0.0, 0.06, -1.0, 0.0, 0.0]
    contacts[1] = [0.03, 0.0, 0.05, 1.0, 0.0, 0.3]
    return row(
        position=[0.8, 0.7],
        command=[0.4, 0.7],
        object_pose=[0.06, 0.0, 0.05, 0.98, 0.0, 0.2, 0.0],
        contacts=contacts,
        contact_count=2,
    )


@pytest.mark.parametrize("theme", sorted(PALETTES))
def test_golden_session(theme: str, stage: Stage, tmp_path: Path) -> None:
    renderer = SceneRenderer(theme)  # type: ignore[arg-type]
    stage.show_row(full_row())
    stage.selected = "thumb"
    picture = draw(renderer, stage, quality=Quality(samples=4))
    renderer.close()
    check_golden(f"session_{theme}", picture, tmp_path)


def test_golden_rest_palm_up(renderer: SceneRenderer, stage: Stage, tmp_path: Path) -> None:
    check_golden("rest_palm_up", draw(renderer, stage), tmp_path)


def test_shape_and_components(renderer: SceneRenderer, stage: Stage) -> None:
    picture = draw(renderer, stage)
    assert picture.shape == (240, 320, 3)
    assert picture.dtype == np.uint8
    camera = stage.camera("iso", 4 / 3)
    four = renderer.render(camera, SIZE, components=4)
    np.testing.assert_array_equal(four[..., :3], picture)
    assert renderer.render(camera, SIZE, Quality(scale=0.5)).shape == (120, 160, 3)


def test_a_picture_is_the_same_twice(renderer: SceneRenderer, stage: Stage) -> None:
    np.testing.assert_array_equal(draw(renderer, stage), draw(renderer, stage))


def test_up_is_up(renderer: SceneRenderer, stage: Stage) -> None:
    stage.show_row(row(position=[0.0, 0.0]))  # fingers up, no object
    stage.apply(renderer)
    camera = stage.camera("front", 4 / 3)
    tip = stage.poses.points_to_world(np.array([[0.0, 0.022, 0.156]]))
    x, y = camera.project(tip, SIZE)[0]
    assert y < SIZE[1] / 2
    assert renderer.pick(camera, SIZE, x, y) == "index"


def test_every_part_is_picked_where_it_is_seen(renderer: SceneRenderer, stage: Stage) -> None:
    stage.apply(renderer)
    camera = stage.camera("palm", 4 / 3)
    object_pixel = camera.project(stage.poses.points_to_world(np.array([[0.06, 0.0, 0.05]])), SIZE)[
        0
    ]
    assert renderer.pick(camera, SIZE, *object_pixel) == OBJECT
    assert renderer.pick(camera, SIZE, 2, 2) is None
    seen = {renderer.pick(camera, SIZE, x, y) for x in range(4, 320, 8) for y in range(4, 240, 8)}
    assert seen == {None, "palm", "index", "thumb", OBJECT}


def test_a_part_without_a_pose_is_not_drawn(renderer: SceneRenderer, stage: Stage) -> None:
    stage.show_row(row(position=[0.9, 0.9], object_pose=[0.06, 0, 0.05, 1, 0, 0, 0]))
    there = draw(renderer, stage)
    stage.show_row(row(position=[0.9, 0.9]))
    gone = draw(renderer, stage)
    assert difference(there, gone) > 3.0
    camera = stage.camera("palm", 4 / 3)
    names = {renderer.pick(camera, SIZE, x, 120) for x in range(0, 320, 5)}
    assert OBJECT not in names


def test_the_ghost_shows_only_where_command_and_measurement_differ(
    renderer: SceneRenderer, stage: Stage
) -> None:
    stage.show_row(row(position=[0.5, 0.5]))
    alone = draw(renderer, stage)
    stage.show_row(row(position=[0.5, 0.5], command=[0.5, 0.5]))
    np.testing.assert_array_equal(draw(renderer, stage), alone)
    stage.show_row(row(position=[0.5, 0.5], command=[0.1, 0.5]))
    assert difference(draw(renderer, stage), alone) > 0.2
    stage.show_ghost = False
    np.testing.assert_array_equal(draw(renderer, stage), alone)


def test_without_a_command_the_target_is_the_ghost(renderer: SceneRenderer, stage: Stage) -> None:
    stage.show_row(row(position=[0.5, 0.5], command=[0.1, 0.5]))
    commanded = draw(renderer, stage)
    stage.show_row(row(position=[0.5, 0.5], target=[0.1, 0.5]))
    np.testing.assert_array_equal(draw(renderer, stage), commanded)


def test_contacts_highlight_and_tints_change_the_picture(
    renderer: SceneRenderer, stage: Stage
) -> None:
    stage.show_row(full_row())
    plain = draw(renderer, stage)
    stage.show_contacts = False
    assert difference(draw(renderer, stage), plain) > 0.05
    stage.show_contacts = True
    stage.selected = "index"
    assert difference(draw(renderer, stage), plain) > 0.1
    stage.selected = None
    stage.tint({"palm": (1.0, 0.0, 0.0, 1.0), "no such link": (0, 0, 0, 1)})
    red = draw(renderer, stage).astype(int)
    assert (red[..., 0] - red[..., 2]).mean() > (plain.astype(int)[..., 0] - plain[..., 2]).mean()


def test_traces_are_drawn(renderer: SceneRenderer, stage: Stage) -> None:
    plain = draw(renderer, stage)
    height = np.linspace(0.0, 0.1, 20)
    renderer.set_traces([np.column_stack([0 * height + 0.1, 0 * height, height])])
    traced = draw(renderer, stage)
    renderer.set_traces([])
    assert difference(traced, plain) > 0.01
    np.testing.assert_array_equal(draw(renderer, stage), plain)


def test_shadows_darken(renderer: SceneRenderer, stage: Stage) -> None:
    with_shadows = draw(renderer, stage).astype(int)
    without = draw(renderer, stage, quality=Quality(shadows=False)).astype(int)
    assert with_shadows.sum() < without.sum()
    assert (with_shadows <= without + 2).mean() > 0.99


def test_samples_smooth_edges_only(renderer: SceneRenderer, stage: Stage) -> None:
    plain = draw(renderer, stage)
    smooth = draw(renderer, stage, quality=Quality(samples=4))
    assert 0.0 < difference(plain, smooth) < 3.0


def test_the_floor_is_not_seen_from_below(renderer: SceneRenderer, stage: Stage) -> None:
    stage.apply(renderer)
    camera = replace(Camera(), elevation=-1.2, distance=0.8)
    above = renderer.render(replace(camera, elevation=1.2), SIZE)
    assert difference(renderer.render(camera, SIZE), above) > 1.0


def test_the_cached_backdrop_follows_theme_and_camera(
    renderer: SceneRenderer, stage: Stage
) -> None:
    dark = draw(renderer, stage)
    renderer.set_theme("light")
    light = draw(renderer, stage)
    renderer.set_theme("dark")
    assert light.mean() > dark.mean() + 40
    moved = draw(renderer, stage, view="front")
    assert difference(moved, dark) > 1.0
    np.testing.assert_array_equal(draw(renderer, stage), dark)


def test_too_many_parts_are_refused(renderer: SceneRenderer, stage: Stage) -> None:
    part = stage.scene.parts[0]
    parts = (part,) * (MAX_PARTS + 1)
    scene = SceneDescription(parts, np.zeros((len(parts), 7)), stage.scene.extent)
    with pytest.raises(GraphicsError, match="bodies"):
        renderer.set_scene(scene)


def test_two_renderers_do_not_disturb_each_other(renderer: SceneRenderer, stage: Stage) -> None:
    before = draw(renderer, stage)
    other = SceneRenderer("light")
    draw(other, stage)
    np.testing.assert_array_equal(draw(renderer, stage), before)
    other.close()


def test_a_row_that_moves_nothing_visible_says_so(stage: Stage) -> None:
    assert stage.show_row(full_row())
    assert not stage.show_row(full_row())
    still = full_row().copy()
    still["position"] += 1e-5
    assert not stage.show_row(still)
    for _ in range(100):  # creeping adds up
        still["position"] += 1e-5
        if stage.show_row(still):
            break
    else:
        pytest.fail("creeping was never seen")
    for field, value in (
        ("command", 0.9),
        ("object_pose", np.nan),
        ("gravity", [0.0, 1.0, 0.0]),
        ("contact_count", 1),
    ):
        moved = full_row().copy()
        stage.show_row(full_row())
        moved[field] = value
        assert stage.show_row(moved), field


def test_drawing_threads_give_way(renderer: SceneRenderer) -> None:
    if not renderer.software or not Path("/proc/self/task").exists():
        pytest.skip("no software drawing threads here")
    levels = {
        os.getpriority(os.PRIO_PROCESS, int(task.name))
        for task in Path("/proc/self/task").iterdir()
        if (task / "comm").read_text().startswith("llvmpipe")
    }
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert levels == {min(own + 5, 19)}
