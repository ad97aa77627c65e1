#!/usr/bin/env bash
# Make everything that running and testing need: system libraries, a virtual environment, warm caches.
# It may be interrupted and run again: what is done already is not done twice.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '[setup] %s\n' "$*"; }
fail() {
    say "$*" >&2
    exit 1
}

# System libraries: OpenGL and EGL for the simulator and the view, xcb for Qt's windows, and a
# virtual display with a window manager for the tests that drive a real window.
packages=(
    libgl1 libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0
    libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 xvfb openbox xdotool
)
find_python() { command -v python3.11 || command -v python3 || true; }
python=$(find_python)
[ -n "$python" ] || packages+=(python3)
[ -n "$python" ] && "$python" -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
missing=()
if command -v dpkg-query >/dev/null; then
    for package in "${packages[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
fi
install_libraries() {
    "$@" apt-get update -qq && "$@" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
if [ ${#missing[@]} -gt 0 ]; then
    by_hand="please run: sudo apt-get install -y --no-install-recommends ${missing[*]}"
    as_root=()
    if [ "$(id -u)" != 0 ]; then as_root=(sudo -n); fi
    if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
        say "installing system libraries: ${missing[*]}"
        install_libraries "${as_root[@]}" || say "they could not be installed; $by_hand"
    else
        say "missing system libraries; $by_hand"
    fi
fi

python=$(find_python)
[ -n "$python" ] || fail "there is no Python; please install Python 3.11 and run this again"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed; $python is $("$python" -V)"
if ! .venv/bin/python -c 'import pip, sys; sys.exit(sys.prefix == sys.base_prefix)' 2>/dev/null; then
    say "creating the virtual environment .venv"
    "$python" -m venv --clear .venv || fail "it could not be made; please install python3-venv"
fi
# Warnings (another index, a newer pip) say nothing that a user can do something about.
pip() { PIP_ROOT_USER_ACTION=ignore .venv/bin/python -m pip --disable-pip-version-check -qq "$@"; }
unfinished="the packages could not be installed; is the network there? Run this again, it goes on"

if ! .venv/bin/python -c 'import torch' 2>/dev/null; then
    if command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then
        say "installing torch for the NVIDIA GPU"
        pip install torch==2.13.0 || fail "$unfinished"
    else
        say "installing torch for the CPU"
        pip install --retries 0 --timeout 10 torch==2.13.0 \
            --extra-index-url https://download.pytorch.org/whl/cpu || fail "$unfinished"
    fi
fi
say "installing dexgen-app (the simulator makes this a few minutes at first)"
pip install -c constraints.txt -e '.[dev]' || fail "$unfinished"

say "warming the simulator's caches (about a minute at first)"
.venv/bin/python -m dexgen_app warm ||
    say "that did not work; the first start compiles instead. See: .venv/bin/dexgen-app doctor"

touch .venv/.dexgen-ready
say "ready"
