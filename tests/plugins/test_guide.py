"""The device of the guide, copied from the page, installs and receives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dexgen_app.cli.new_plugin import write_package

if TYPE_CHECKING:
    from conftest import Environment

PAGE = Path(__file__).resolve().parents[2] / "docs" / "writing_plugins.md"

pytestmark = [pytest.mark.wheel, pytest.mark.slow]

TRY_DEVICE = """
import socket, time
from dexgen_app.plugins import PluginRegistry
from dexgen_app.spec import TeleopContext
registry = PluginRegistry.load()
hand, spec = registry.find_hand("allegro"), registry.find_teleop("udp")
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
probe.bind(("127.0.0.1", 0))
port = probe.getsockname()[1]
probe.close()
make = lambda: registry.build(spec.factory, TeleopContext(hand=hand, argument=str(port)))
device = make()
device.connect()
assert device.read(0, None) is None
for text in ("1 2 3", " ".join(["0.5"] * 16), " ".join(["0.25"] * 16)):
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.sendto(text.encode(), ("127.0.0.1", port))
time.sleep(0.1)
sample = device.read(0, None)
assert sample is device.read(0, None)
try:
    make().connect()
except Exception as error:
    print(type(error).__name__, sample.values.tolist() == [0.25] * 16, sample.sequence)
device.close()
device.close()
"""


def test_the_device_of_the_guide(environment: Environment, tmp_path: Path) -> None:
    files = re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    assert len(files) == 3
    for name, text in files:
        path = tmp_path / "dexgen-teleop-udp" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment.install("-e", tmp_path / "dexgen-teleop-udp")
    assert environment.plugins()["udp"]["provides"] == {"teleop_devices": ["udp"]}
    result = environment.run("-c", TRY_DEVICE)
    assert result.stdout == "InputError True 1\n", result.stderr


def test_the_third_finger_of_the_guide(environment: Environment, tmp_path: Path) -> None:
    folder = write_package("hand", "guide", tmp_path)
    body, actuators = re.findall(r"^```xml\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    arrays, finger = re.findall(
        r"^```python\n(    .*?|     .*?)^```", PAGE.read_text(), re.M | re.S
    )[:2]
    package = folder / "dexgen_hand_guide"
    xml = (package / "model" / "hand.xml").read_text()
    xml = xml.replace('pos="0.004 0 0.1"', 'pos="0.004 0.022 0.1"')
    xml = xml.replace(
        '      <body name="thumb_proximal"', body + '      <body name="thumb_proximal"'
    )
    xml = xml.replace("  </actuator>", actuators + "  </actuator>")
    (package / "model" / "hand.xml").write_text(xml)
    spec = (package / "spec.py").read_text()
    start, end = spec.index("    joint_names="), spec.index("    grasp_center=")
    spec = spec[:start] + arrays + spec[end:]
    thumb = spec.index('        FingerSpec(\n            name="thumb"')
    (package / "spec.py").write_text(spec[:thumb] + finger + spec[thumb:])
    environment.install("-e", folder)
    result = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr
