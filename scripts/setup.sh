#!/usr/bin/env bash
# Make everything that running and testing need: system libraries, a virtual environment, warm caches.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '[setup] %s\n' "$*"; }

# System libraries: OpenGL and EGL for the simulator and the view, xcb for Qt's windows, and a
# virtual display with a window manager for the tests that drive a real window.
packages=(
    libgl1 libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0
    libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 xvfb openbox xdotool
)
python=$(command -v python3.11 || command -v python3 || true)
[ -n "$python" ] || packages+=(python3)
[ -n "$python" ] && "$python" -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
missing=()
if command -v dpkg-query >/dev/null; then
    for package in "${packages[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
fi
if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
    if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
        say "installing system libraries: ${missing[*]}"
        "${as_root[@]}" apt-get update -qq
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    else
        say "missing system libraries; please run: sudo apt-get install -y --no-install-recommends ${missing[*]}"
    fi
fi

python=$(command -v python3.11 || command -v python3)
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    say "Python 3.11 or newer is needed; $python is $("$python" -V)"
    exit 1
}
if [ ! -x .venv/bin/python ]; then
    say "creating the virtual environment .venv"
    "$python" -m venv .venv
fi
pip() { .venv/bin/python -m pip --disable-pip-version-check -q "$@"; }
pip install --upgrade pip

if ! .venv/bin/python -c 'import torch' 2>/dev/null; then
    if command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then
        say "installing torch for the NVIDIA GPU"
        pip install torch==2.13.0
    else
        say "installing torch for the CPU"
        pip install --retries 0 --timeout 10 torch==2.13.0 \
            --extra-index-url https://download.pytorch.org/whl/cpu
    fi
fi
say "installing dexgen-app (the simulator makes this a few minutes at first)"
pip install -c constraints.txt -e '.[dev]'

say "warming the simulator's caches (about a minute at first)"
.venv/bin/python -m dexgen_app warm

touch .venv/.dexgen-ready
say "ready"
