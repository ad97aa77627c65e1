"""Training state and weights in safetensors files with a JSON header; nothing is pickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from dexgen_app.errors import InputError
from dexgen_app.files import replacing

FORMAT = "dexgen-checkpoint-1"


def flatten_tensors(tree: Any, prefix: str = "") -> tuple[dict[str, torch.Tensor], Any]:
    """Split nested dictionaries and lists into tensors by path and a skeleton that JSON can hold.

    Args:
        tree: Dictionaries, lists, tensors, numbers, words and None. Keys are words or integers.
        prefix: Path of ``tree``.

    Returns:
        The tensors and the skeleton, in which a tensor is ``{"$tensor": path}`` and a dictionary
        a list of pairs.
    """
    if isinstance(tree, torch.Tensor):
        return {prefix: tree.detach().cpu().contiguous().clone()}, {"$tensor": prefix}
    if isinstance(tree, dict):
        tensors, pairs = {}, []
        for key, value in tree.items():
            found, skeleton = flatten_tensors(value, f"{prefix}/{key}" if prefix else str(key))
            tensors.update(found)
            pairs.append([key, skeleton])
        return tensors, {"$dict": pairs}
    if isinstance(tree, (list, tuple)):
        tensors, items = {}, []
        for index, value in enumerate(tree):
            found, skeleton = flatten_tensors(value, f"{prefix}/{index}")
            tensors.update(found)
            items.append(skeleton)
        return tensors, {"$list": items}
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return {}, tree
    raise TypeError(f"{prefix}: cannot save a {type(tree).__name__}")


def restore_tensors(tensors: dict[str, torch.Tensor], skeleton: Any) -> Any:
    """Put together what ``flatten_tensors`` split."""
    if isinstance(skeleton, dict):
        if "$tensor" in skeleton:
            return tensors[skeleton["$tensor"]]
        if "$dict" in skeleton:
            return {key: restore_tensors(tensors, value) for key, value in skeleton["$dict"]}
        return [restore_tensors(tensors, value) for value in skeleton["$list"]]
    return skeleton


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a state; a kill or a full disk leaves either the old file or the new one.

    Args:
        path: The file.
        state: Nested dictionaries and lists of tensors, numbers and words.

    Raises:
        InputError: The disk is full or the folder cannot be written.
    """
    from safetensors.torch import save

    tensors, skeleton = flatten_tensors(state)
    data = save(tensors, metadata={"format": FORMAT, "state": json.dumps(skeleton)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise InputError(
            f"cannot save: {error.strerror or error}",
            where=str(path),
            remedy="Free some space; the checkpoint before it is intact",
        ) from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a state.

    Raises:
        InputError: The file is absent, damaged or no checkpoint.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"cannot read the checkpoint: {error}", where=str(path)) from error
    if metadata.get("format") != FORMAT:
        raise InputError("not a checkpoint of this version", where=str(path))
    state: dict[str, Any] = restore_tensors(tensors, json.loads(metadata["state"]))
    return state
