"""A sheet of grasps drawn as the 3D view draws them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.spec import GRAVITY_DIRECTIONS, HandSpec

_TILE = (320, 260)
"""Width and height of one grasp [pixels]."""


def save_sheet(
    path: Path, grasps: GraspSet, hand: HandSpec, count: int = 12, columns: int = 4, seed: int = 0
) -> None:
    """Draw grasps that were chosen at random and write them as one picture.

    Args:
        path: A picture file; its ending decides the format.
        grasps: The grasps.
        hand: Their hand.
        count: Number of grasps.
        columns: Grasps in a row of the sheet.
        seed: Seed of the choice.

    Raises:
        GraphicsError: OpenGL is not available.
    """
    from PIL import Image

    from dexgen_app.kinematics.model import HandModel
    from dexgen_app.live.row import row_dtype
    from dexgen_app.render.renderer import Quality, SceneRenderer
    from dexgen_app.render.stage import Stage

    stage = Stage(HandModel(hand), grasps.object)
    stage.show_ghost = stage.show_contacts = False
    renderer = SceneRenderer("dark")
    chosen = torch.randperm(len(grasps), generator=torch.Generator().manual_seed(seed))[:count]
    width, height = _TILE
    rows = -(-len(chosen) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height))
    row = np.zeros((), row_dtype(hand.joint_count))
    row["gravity"] = GRAVITY_DIRECTIONS["palm_up"]
    try:
        for place, index in enumerate(chosen.tolist()):
            row["position"] = row["target"] = row["command"] = grasps.joints[index].numpy()
            row["object_pose"] = grasps.object_pose[index].numpy()
            stage.show_row(row)
            stage.apply(renderer)
            picture = renderer.render(
                stage.camera("iso", width / height), _TILE, Quality(samples=4)
            )
            corner = (place % columns * width, place // columns * height)
            sheet.paste(Image.fromarray(picture), corner)
    finally:
        renderer.close()
    sheet.save(path)
