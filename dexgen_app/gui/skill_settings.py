"""``python -m dexgen_app.gui.skill_settings SKILL`` prints a skill's settings as JSON.

The window runs this as a process of its own: a skill's configuration may import torch.
"""

from __future__ import annotations

import json
import sys


def main(skill: str) -> int:
    """Print the default settings of a skill on the last line."""
    from dexgen_app.errors import DexgenError
    from dexgen_app.learn.config import to_plain
    from dexgen_app.plugins import PluginRegistry, load_object

    try:
        spec = PluginRegistry.load().find_skill(skill)
        print(json.dumps(to_plain(load_object(spec.config)())))
    except DexgenError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
