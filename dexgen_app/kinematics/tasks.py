"""Inverse-kinematics tasks on points: sites that should be somewhere, and pairs that should meet.

They only ask for positions, in the world frame of the model, and stack all points of a hand in
one task, which is both cheaper and better conditioned than one pose task a site.
"""

from __future__ import annotations

from collections.abc import Sequence

import mink
import mujoco
import numpy as np
from numpy.polynomial import polynomial


class PointTask(mink.Task):
    """Bring sites to target positions.

    Args:
        sites: Site ids, n of them.
        cost: Weight of each site [1/m], shape (n,).
    """

    def __init__(self, sites: Sequence[int], cost: np.ndarray) -> None:
        super().__init__(cost=np.repeat(np.asarray(cost, dtype=float), 3))
        self._sites = list(sites)
        self.target = np.zeros((len(self._sites), 3))
        """Where the sites should be in the world frame [m], shape (n, 3)."""

    def compute_error(self, configuration: mink.Configuration) -> np.ndarray:
        """Return position minus target of every site [m], shape (3 n,)."""
        return (configuration.data.site_xpos[self._sites] - self.target).ravel()

    def compute_jacobian(self, configuration: mink.Configuration) -> np.ndarray:
        """Return the stacked position Jacobians, shape (3 n, nv)."""
        return site_jacobians(configuration, self._sites)


class PairTask(mink.Task):
    """Bring sites to a given vector from one common site, as fingertips to the thumb's tip.

    Args:
        sites: Site ids, n of them.
        common: The id of the site that they are measured from.
    """

    def __init__(self, sites: Sequence[int], common: int) -> None:
        super().__init__(cost=np.zeros(3 * len(sites)))
        self._sites = [*sites, common]
        self.target = np.zeros((len(sites), 3))
        """Wanted vectors from the common site in the world frame [m], shape (n, 3)."""

    def set_cost(self, cost: np.ndarray) -> None:
        """Change the weight of each pair, shape (n,)."""
        self.cost = np.repeat(cost, 3)

    def compute_error(self, configuration: mink.Configuration) -> np.ndarray:
        """Return the vectors minus their targets [m], shape (3 n,)."""
        points = configuration.data.site_xpos[self._sites]
        return (points[:-1] - points[-1] - self.target).ravel()

    def compute_jacobian(self, configuration: mink.Configuration) -> np.ndarray:
        """Return the difference of position Jacobians, shape (3 n, nv)."""
        stacked = site_jacobians(configuration, self._sites)
        common = np.tile(stacked[-3:], (len(self._sites) - 1, 1))
        return stacked[:-3] - common


class CouplingTask(mink.Task):
    """Let coupled joints follow their drivers.

    Args:
        model: The hand; its scalar joints have one position and one velocity each.
        followers: Follower, driver (``qpos`` indices) and polynomial of every coupled joint.
        cost: Weight [1/rad]; far above that of the points, so that it holds.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        followers: Sequence[tuple[int, int, np.ndarray]],
        cost: float = 10.0,
    ) -> None:
        super().__init__(cost=np.full(len(followers), cost))
        self._followers = list(followers)
        self._dof = {int(model.jnt_qposadr[j]): int(model.jnt_dofadr[j]) for j in range(model.njnt)}
        self._rest = model.qpos0.copy()

    def compute_error(self, configuration: mink.Configuration) -> np.ndarray:
        """Return how far every follower is from where it belongs [rad], shape (k,)."""
        offset = configuration.q - self._rest
        return np.array(
            [offset[f] - polynomial.polyval(offset[d], c) for f, d, c in self._followers]
        )

    def compute_jacobian(self, configuration: mink.Configuration) -> np.ndarray:
        """Return the derivative of the error, shape (k, nv)."""
        offset = configuration.q - self._rest
        result = np.zeros((len(self._followers), configuration.model.nv))
        for row, (follower, driver, c) in enumerate(self._followers):
            result[row, self._dof[follower]] = 1.0
            result[row, self._dof[driver]] = -polynomial.polyval(
                offset[driver], polynomial.polyder(c)
            )
        return result


def site_jacobians(configuration: mink.Configuration, sites: Sequence[int]) -> np.ndarray:
    """Return the position Jacobians of ``sites`` in the world frame, shape (3 n, nv)."""
    result = np.empty((3 * len(sites), configuration.model.nv))
    for row, site in enumerate(sites):
        mujoco.mj_jacSite(
            configuration.model, configuration.data, result[3 * row : 3 * row + 3], None, site
        )
    return result
