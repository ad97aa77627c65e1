"""The simulated hand: a driver of a world with one environment, on a wrist that turns."""

from __future__ import annotations

import time

import numpy as np
import torch

from dexgen_app.errors import DexgenError, SimulationError
from dexgen_app.sim.grasps import GraspSet, find_grasps
from dexgen_app.sim.world import Engine, PhysicsOptions, World, WorldOptions, make_world
from dexgen_app.spec import DriverContext, HandCommand, HandState, ObjectSpec, WristProgram

DROP_DISTANCE = 0.12
"""Distance from the grasp centre beyond which an object counts as dropped [m]."""

_ENGINES: tuple[Engine, ...] = ("genesis", "mujoco")
START_GRASPS = 8
"""Number of grasps that a session cycles through."""

_SETTLE_SECONDS = 0.3


class SimDriver:
    """A hand in a simulated world; implements ``HandDriver``.

    Options in ``DriverContext.options``: ``engine`` (``genesis`` or ``mujoco``), ``auto_reset``
    (put hand and object back into a grasp after a drop, on by default) and ``reset_delay``
    (seconds between the drop and that, 1.5).

    Attributes:
        world: The world, None while disconnected.
        held: Whether the object is in the hand; False without an object.
        drops: Number of drops since the connection.
        resets: Number of times that hand and object were put into a grasp. When it changes, the
            hand is somewhere else: start again from ``read_state().target``.

    Args:
        context: The hand, the scene and the options.

    Raises:
        SimulationError: The engine is unknown.
    """

    def __init__(self, context: DriverContext) -> None:
        engine = str(context.options.get("engine", "genesis"))
        if engine not in _ENGINES:
            raise SimulationError(
                f"unknown engine {engine!r}", where="sim", remedy=f"Use one of: {_ENGINES}"
            )
        self.world: World | None = None
        self.held = False
        self.drops = 0
        self.resets = 0
        self._engine: Engine = engine
        self._auto_reset = bool(context.options.get("auto_reset", True))
        self._reset_delay = float(context.options.get("reset_delay", 1.5))
        self._context = context
        self._object = context.scene.object
        self._wrist = context.scene.wrist
        self._grasps: GraspSet | None = None
        self._physics = PhysicsOptions()
        self._owed = 0.0  # time not yet simulated, less than a step [s]
        self._turned = 0.0  # time since the wrist's program began [s]
        self._dropped_for = 0.0  # [s]
        self._limp = False
        self._stopped = False

    # HandDriver ---------------------------------------------------------------------------------

    def connect(self) -> None:
        """Build the world and put the object into the hand.

        Raises:
            DexgenError: The engine cannot be started, the hand's model cannot be used, or the
                object cannot be held.
        """
        if self.world is not None:
            return
        self._build(self._object)
        self.drops = 0
        self._context.progress("ready", 1.0)

    def read_state(self) -> HandState:
        """Return the state of the hand and the object now."""
        world = self._connected()
        nothing = np.full(self._context.hand.joint_count, np.nan)
        return HandState(
            stamp_ns=time.monotonic_ns(),
            position=_row(world.joint_position()),
            velocity=_row(world.joint_velocity()),
            effort=_row(world.joint_effort()) * (0.0 if self._limp else 1.0),
            target=nothing if self._limp else _row(world.targets()),
            temperature=nothing,
            object_pose=None if self._object is None else _row(world.object_pose()),
            gravity=self._wrist.gravity(self._turned),
            contacts=world.contacts(0).double().cpu().numpy(),
        )

    def send_command(self, command: HandCommand) -> None:
        """Set the joint targets.

        Raises:
            ValueError: The command has the wrong shape or is not finite.
        """
        world = self._connected()
        targets = torch.as_tensor(np.asarray(command.position, dtype=np.float32))
        if targets.shape != (self._context.hand.joint_count,) or not targets.isfinite().all():
            raise ValueError(f"the command {command.position!r} is not a set of joint targets")
        if self._limp:
            self._set_limp(False)
        self._stopped = False
        world.set_targets(targets[None].to(world.device))

    def step(self, seconds: float) -> None:
        """Simulate ``seconds``; what is less than a step of the engine is kept for the next call.

        Raises:
            SimulationError: The state is not finite; the hand is back in the grasp by then.
        """
        world = self._connected()
        self._owed += seconds
        steps = int(self._owed / self._physics.dt + 1e-9)
        if steps <= 0:
            return
        elapsed = steps * self._physics.dt
        self._owed -= elapsed
        if self._wrist.sweep_period > 0.0:
            self._point_gravity()
        try:
            world.step(steps)
            world.check()
        except SimulationError:
            self._enter_grasp()
            raise
        self._turned += elapsed
        self._watch_object(elapsed)

    def stop(self) -> None:
        """Hold the targets, or cut the torque if that is the hand's way to stop.

        Until the next command a dropped object is left where it is: putting it back moves the hand.
        """
        self._stopped = True
        if self.world is not None and self._context.hand.stop_behaviour == "limp":
            self._set_limp(True)

    def disconnect(self) -> None:
        """Release the world; may be called repeatedly."""
        if self.world is not None:
            self.world.close()
            self.world = None
        self.held = False

    # Scene --------------------------------------------------------------------------------------

    def reset_scene(self, item: ObjectSpec | None = None) -> None:
        """Put hand and object into a grasp, at once for the same object.

        Args:
            item: Another object: the world is built anew, which takes seconds; None keeps it.

        Raises:
            DexgenError: The new object cannot be held; the old one is back then.
        """
        self._connected()
        if item is None or item == self._object:
            self._enter_grasp()
            return
        before = self._object
        try:
            self._build(item)
        except DexgenError:
            if self.world is None:
                self._build(before)
            raise
        self._object = item

    def set_wrist(self, wrist: WristProgram) -> None:
        """Start a program of the wrist from its beginning."""
        self._wrist = wrist
        self._turned = 0.0
        if self.world is not None:
            self._point_gravity()

    # Inner work ---------------------------------------------------------------------------------

    def _connected(self) -> World:
        if self.world is None:
            raise SimulationError("the simulated hand is not connected", remedy="Connect first")
        return self.world

    def _build(self, item: ObjectSpec | None) -> None:
        context, report = self._context, self._context.progress
        grasps = None
        if item is not None:
            report("searching for a grasp", None)
            grasps = find_grasps(
                context.hand, item, START_GRASPS, seed=context.seed, physics=self._physics
            )
        options = WorldOptions(
            hand=context.hand,
            objects=() if item is None else (item,),
            physics=self._physics,
            seed=context.seed,
        )
        if self._engine == "genesis":
            from dexgen_app.sim.cache import import_genesis, is_marked, mark

            report("importing Genesis", None)
            import_genesis()
            built = is_marked("built")
            report("starting Genesis" if built else "compiling Genesis, one to three minutes", None)
        world = make_world(self._engine, options)
        if self.world is not None:
            self.world.close()
        self.world, self._grasps, self._object = world, grasps, item
        report("settling", None)
        self._enter_grasp()
        world.step(round(_SETTLE_SECONDS / self._physics.dt))
        self.read_state()  # compiles what reading needs
        if self._engine == "genesis":
            mark("built")

    def _enter_grasp(self) -> None:
        world, hand = self._connected(), self._context.hand
        # The wrist stands still meanwhile, so that the program goes on where it was.
        self._point_gravity()
        if self._grasps is None:
            world.reset(torch.tensor([hand.home]))
        else:
            row = slice(self.resets % len(self._grasps), self.resets % len(self._grasps) + 1)
            world.reset(
                torch.from_numpy(self._grasps.joints[row]),
                torch.from_numpy(self._grasps.object_pose[row]),
                torch.from_numpy(self._grasps.targets[row]),
            )
        self.held = self._grasps is not None
        self.resets += 1
        self._dropped_for = 0.0

    def _point_gravity(self) -> None:
        gravity = torch.from_numpy(self._wrist.gravity(self._turned).astype(np.float32))
        self._connected().set_gravity(gravity[None])

    def _watch_object(self, elapsed: float) -> None:
        if self._object is None:
            return
        pose = self._connected().object_pose()[0, :3].cpu().numpy()
        offset = pose - np.asarray(self._context.hand.grasp_center)
        # Behind the palm's plane through the wrist it lies on the back of the hand or falls.
        held = bool(np.linalg.norm(offset) < DROP_DISTANCE and pose[0] > 0.0)
        if self.held and not held:
            self.drops += 1
        self.held = held
        self._dropped_for = 0.0 if held else self._dropped_for + elapsed
        wanted = self._auto_reset and not self._stopped
        if wanted and self._dropped_for >= self._reset_delay:
            self._enter_grasp()

    def _set_limp(self, limp: bool) -> None:
        world = self._connected()
        if limp and not self._limp:
            self._gains = world.gains()
            world.set_gains(*(torch.zeros_like(gain) for gain in self._gains))
        elif self._limp and not limp:
            world.set_gains(*self._gains)
        self._limp = limp


def _row(batch: torch.Tensor) -> np.ndarray:
    """First environment of a batch as float64."""
    return batch[0].double().cpu().numpy()
