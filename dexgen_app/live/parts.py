"""Builds what a session is made of from the plugins' declarations, in the worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dexgen_app.errors import DexgenError, PluginError
from dexgen_app.live.controller_link import ControllerLink
from dexgen_app.live.device_link import DeviceLink, split_id
from dexgen_app.live.hand_link import SIM, SIM_FACTORY, HandLink
from dexgen_app.live.protocol import PluginHealth, Progress, SessionConfig
from dexgen_app.live.safety import SafetyConfig
from dexgen_app.plugins import PluginState
from dexgen_app.spec import (
    ControllerContext,
    ControllerSpec,
    DriverContext,
    DriverSpec,
    HandSpec,
    TeleopContext,
    TeleopSpec,
)

if TYPE_CHECKING:
    from dexgen_app.kinematics.retarget import Retargeter
    from dexgen_app.plugins import PluginRegistry

log = logging.getLogger(__name__)
DEFAULT_PROFILE = SessionConfig.profile
Report = Callable[[Any], None]


@dataclass(frozen=True, kw_only=True)
class WorkerSetup:
    """What a worker process is started with.

    Attributes:
        config: The session.
        hand: The hand that ``config.hand`` means.
        ring_name: The state ring.
        control_name: The control block.
        extensions: Devices and controllers beside those of the installed plugins.
    """

    config: SessionConfig
    hand: HandSpec
    ring_name: str
    control_name: str
    extensions: tuple[TeleopSpec | ControllerSpec, ...] = field(default=())

    @property
    def real(self) -> bool:
        """Whether the hand is not simulated."""
        return split_id(self.config.driver)[0] != SIM


class Parts:
    """Makes the hand, devices, controllers and the retargeting of a session.

    Args:
        setup: The session.
        registry: The installed plugins.
        report: Takes events for the user.
    """

    def __init__(self, setup: WorkerSetup, registry: PluginRegistry, report: Report) -> None:
        self.setup = setup
        self.registry = registry
        self.safety = SafetyConfig.for_session(setup.config.safety, real=setup.real)
        self._report = report
        self._extensions = {(type(spec), spec.id): spec for spec in setup.extensions}
        self._suspended: set[tuple[str, str]] = set()

    def _watch(self, event: Any) -> None:
        """Pass an event on and remember which parts were suspended."""
        if isinstance(event, PluginHealth):
            self._suspended.add((event.kind, event.id))
        self._report(event)

    def _revive(self, kind: str, id: str) -> None:
        """Tell that a part which was suspended has been built anew."""
        if (kind, id) in self._suspended:
            self._suspended.remove((kind, id))
            self._report(PluginHealth(kind=kind, id=id, suspended=False))

    def _build(self, factory: str, context: Any, owner: str) -> Any:
        """Build a part of a plugin; tell it if the plugin is suspended because of that."""
        try:
            return self.registry.build(factory, context, owner_id=owner)
        finally:
            self._tell_suspended()

    def _tell_suspended(self) -> None:
        """Tell of plugins that the registry of this process has suspended."""
        for record in self.registry.records:
            key = ("plugins", record.name)
            if record.state is PluginState.SUSPENDED and key not in self._suspended:
                self._watch(
                    PluginHealth(
                        kind="plugins", id=record.name, suspended=True, reason=record.reason
                    )
                )

    def open_hand(self) -> HandLink:
        """Build the driver and connect it.

        Raises:
            DexgenError: There is no such driver, or the hand cannot be reached.
        """
        config, hand = self.setup.config, self.setup.hand
        name, argument = split_id(config.driver)
        if self.setup.real:
            factory = find_driver(hand, name).factory
        else:
            factory = SIM_FACTORY
        context = DriverContext(
            hand=hand,
            argument=argument,
            scene=config.scene,
            seed=config.seed,
            progress=lambda text, fraction=None: self._report(
                Progress(text=text, fraction=fraction)
            ),
            options={"engine": config.engine},
        )
        driver = self._build(factory, context, name)
        link = HandLink(hand, driver, real=self.setup.real)
        try:
            _open(driver.connect, f"driver {name} of {hand.id}")
            link.read()
        except BaseException:
            link.close()
            raise
        return link

    def open_device(self, text: str) -> DeviceLink:
        """Build the device ``id`` or ``id:argument`` and connect it.

        Raises:
            DexgenError: There is no such device, or it cannot be used.
        """
        name, argument = split_id(text)
        spec = self._extensions.get((TeleopSpec, name))
        if not isinstance(spec, TeleopSpec):
            spec = self.registry.find_teleop(name)
        context = TeleopContext(
            hand=self.setup.hand, argument=argument, seed=self.setup.config.seed
        )
        device = self._build(spec.factory, context, spec.id)
        _open(device.connect, f"device {spec.id}")
        timeout = self.safety.input_timeout
        self._revive("teleop_devices", spec.id)
        return DeviceLink(text, spec, device, self.setup.hand, timeout, self._watch)

    def open_controller(self, name: str) -> ControllerLink:
        """Build a controller.

        Raises:
            DexgenError: There is none of that id, or it does not support the hand.
        """
        config, hand = self.setup.config, self.setup.hand
        spec = self._extensions.get((ControllerSpec, name))
        if not isinstance(spec, ControllerSpec):
            spec = self.registry.find_controller(name)
        check_supported(spec, hand)
        context = ControllerContext(hand=hand, rate_hz=config.rate_hz, seed=config.seed)
        controller = self._build(spec.factory, context, spec.id)
        self._revive("controllers", spec.id)
        return ControllerLink(spec, controller, hand.joint_count, self._watch)

    def open_retargeter(self) -> Retargeter:
        """Build the retargeting with the user's calibration, or that of a typical adult."""
        from dexgen_app.kinematics.calibration import load_profile, profile_path
        from dexgen_app.kinematics.retarget import Retargeter

        config, hand = self.setup.config, self.setup.hand
        calibration = None
        try:
            if profile_path(config.profile).is_file():
                calibration = load_profile(config.profile, hand)
            elif config.profile != DEFAULT_PROFILE:
                log.warning(
                    "there is no profile %s yet; an adult's typical hand is used", config.profile
                )
        except DexgenError as error:
            log.warning("%s; an adult's typical hand is used", error)
        side = config.human_side or None
        return Retargeter(hand, calibration, 1.0 / config.rate_hz, human_side=side)

    def check_arming(self) -> str | None:
        """Return why a plugin refuses arming, or None."""
        refusal = self.registry.check(
            "check_arming", hand=self.setup.hand, driver=self.setup.config.driver
        )
        self._tell_suspended()
        return refusal


def find_driver(hand: HandSpec, name: str) -> DriverSpec:
    """Return a hand's driver.

    Raises:
        DexgenError: The hand has none of that id.
    """
    drivers = {driver.id: driver for driver in hand.drivers}
    if name not in drivers:
        raise DexgenError(
            f"this hand has no driver {name!r}",
            where=hand.id,
            remedy=f"There is: {', '.join([SIM, *drivers])}",
        )
    return drivers[name]


def check_supported(spec: ControllerSpec, hand: HandSpec) -> None:
    """Raise DexgenError if a controller cannot drive a hand."""
    if spec.hands and hand.id not in spec.hands:
        raise DexgenError(
            f"the controller does not support the hand {hand.id}",
            where=spec.id,
            remedy=f"It supports: {', '.join(spec.hands)}",
        )


def _open(connect: Callable[[], None], owner: str) -> None:
    """Call a plugin's ``connect``; whatever it raises names the plugin."""
    try:
        connect()
    except DexgenError:
        raise
    except (Exception, SystemExit) as error:
        log.debug("its traceback", exc_info=error)
        raise PluginError(
            f"it raised {type(error).__name__} on connecting: {error}",
            where=owner,
            remedy="Check its argument; if that is right, report it to the plugin's author",
        ) from error
