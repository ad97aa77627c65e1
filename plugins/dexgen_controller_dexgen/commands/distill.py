"""``dexgen-app distill``: trains a controller on a dataset of transitions."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dexgen_app.learn.transitions import TransitionStore
    from dexgen_controller_dexgen.extension import Extension
    from dexgen_controller_dexgen.optimisation import TrainingConfig
    from dexgen_controller_dexgen.training import Trainer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app distill``."""
    parser.add_argument("data", type=Path, help="dataset, as `dexgen-app dataset make` writes it")
    parser.add_argument(
        "--dynamics-data", type=Path, help="dataset of inverse and forward dynamics; else DATA"
    )
    parser.add_argument(
        "--extend",
        type=Path,
        metavar="CONTROLLER",
        help="teach this one DATA's mode; hand, size and keypoints are its own",
    )
    parser.add_argument(
        "--replay", type=Path, help="with --extend: dataset of the modes that are to be kept"
    )
    parser.add_argument(
        "--prior-only", action="store_true", help="with --extend: leave the dynamics as they are"
    )
    parser.add_argument("--out", type=Path, required=True, help="file for the weights")
    parser.add_argument(
        "--work", type=Path, help="folder for checkpoints, from which a killed run goes on"
    )
    parser.add_argument("--mirror", default="", metavar="HAND", help="its mirror image, served too")
    parser.add_argument("--size", choices=("small", "paper"), default="small", help="network size")
    parser.add_argument("--steps", type=float, default=8000, help="optimiser steps of the prior")
    parser.add_argument(
        "--inverse-steps", type=float, default=0, help="of each dynamics model; 0 for as many"
    )
    parser.add_argument("--batch", type=int, default=512, help="samples in a step")
    parser.add_argument("--learning-rate", type=float, default=5e-4, help="at the start")
    parser.add_argument(
        "--tips-only", action="store_true", help="fingertips as the only keypoints (K = 4)"
    )
    parser.add_argument(
        "--bfloat16", action="store_true", help="compute in bfloat16, where the processor can"
    )
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="cuda trains the networks on an NVIDIA graphics card (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random")


def run(args: argparse.Namespace) -> int:
    """Train the networks and write the weights."""
    import torch

    from dexgen_app.learn.transitions import TransitionStore
    from dexgen_app.sim.cache import require_card
    from dexgen_controller_dexgen.model import read_notes
    from dexgen_controller_dexgen.optimisation import bfloat16_pays

    torch.set_num_threads(args.threads)
    if args.device == "cuda":
        require_card()
    elif args.bfloat16 and not bfloat16_pays():
        print("this processor is slow in bfloat16: computing in single precision", flush=True)
        args.bfloat16 = False
    _check(args)
    store = TransitionStore(args.data)
    trainer = _extension(args, store) if args.extend else _trainer(args, store)
    notes = read_notes(args.extend) if args.extend else {}
    made_by = (notes.get("made_by", ""), shlex.join(("dexgen-app", *sys.argv[1:])))
    notes |= {"made_by": "\n".join(made_by).strip(), "rows": str(len(store))}
    trainings = {"prior": trainer.train_prior}
    if not args.prior_only:
        trainings |= {"inverse": trainer.train_inverse, "forward": trainer.train_forward}
    for name, train in trainings.items():
        notes[f"{name}_loss"] = f"{train(lambda line: print(line, flush=True)):.4f}"
    if trainer.rank == 0:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        trainer.model.save(args.out, notes)
        losses = ", ".join(f"{name} {notes[f'{name}_loss']}" for name in trainings)
        print(f"losses: {losses}; wrote {args.out}")
    return 0


def _check(args: argparse.Namespace) -> None:
    from dexgen_app.errors import InputError

    if args.extend and not args.replay:
        raise InputError(
            "nothing says what the controller is to keep",
            where="--extend",
            remedy="Add `--replay DATASET` with states of its other modes",
        )
    if args.prior_only and not args.extend:
        raise InputError(
            "a new controller needs dynamics", where="--prior-only", remedy="Add `--extend FILE`"
        )


def _trainer(args: argparse.Namespace, store: TransitionStore) -> Trainer:
    from dexgen_app.learn.transitions import TransitionStore
    from dexgen_app.plugins import PluginRegistry
    from dexgen_controller_dexgen.training import Trainer

    hands = PluginRegistry.load(args.safe_mode, args.disable)
    mirror = hands.find_hand(args.mirror) if args.mirror else None
    dynamics = TransitionStore(args.dynamics_data) if args.dynamics_data else None
    hand = hands.find_hand(store.format.hand)
    return Trainer(store, hand, _work_folder(args), _config(args), mirror, dynamics)


def _extension(args: argparse.Namespace, store: TransitionStore) -> Extension:
    from dexgen_app.learn.transitions import TransitionStore
    from dexgen_controller_dexgen.extension import Extension
    from dexgen_controller_dexgen.model import ControllerModel

    model = ControllerModel.load(args.extend)
    replay = TransitionStore(args.replay)
    return Extension(model, store, replay, _work_folder(args), _config(args))


def _work_folder(args: argparse.Namespace) -> Path:
    folder: Path = args.work or args.out.parent / f"{args.out.stem}-work"
    return folder


def _config(args: argparse.Namespace) -> TrainingConfig:
    from dexgen_controller_dexgen.optimisation import TrainingConfig

    return TrainingConfig(
        size=args.size,
        steps=int(args.steps),
        inverse_steps=int(args.inverse_steps),
        batch=args.batch,
        learning_rate=args.learning_rate,
        bfloat16=args.bfloat16,
        tips_only=args.tips_only,
        device=args.device,
        seed=args.seed,
    )
