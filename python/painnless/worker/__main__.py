"""python -m painnless.worker: answers for one potential at one endpoint, for as long as its parent lives."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable

from painnless.errors import PainnlessError
from painnless.worker.loop import Loop
from painnless.worker.side import Side


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m painnless.worker")
    parser.add_argument("--serve", required=True, help="torch, package or ase:MODULE:FACTORY[?JSON]")
    parser.add_argument("--endpoint", required=True, help="ipc://PATH")
    parser.add_argument("--model", help="model file (torch) or checkpoint (package; it is unpickled, which runs what is in it)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["f32", "f64"], default="f64")
    parser.add_argument("--energy-unit", help="of the checkpoint (package)")
    parser.add_argument("--threads", type=int, help="of torch, in this process")
    parser.add_argument("--parent", type=int, help="process id of the parent, whose end is ours")
    parser.add_argument("--own-folder", action="store_true", help="the folder of the endpoint is ours to remove")
    options = parser.parse_args()
    try:
        Loop(options.endpoint, side_maker(options), options.parent, options.own_folder).run()
    except PainnlessError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        return 1
    return 0


def side_maker(options: argparse.Namespace) -> Callable[[], Side]:
    """How to make the side that --serve names. It is made in the compute thread, and heavy packages are imported there: the loop, which
    answers meanwhile, must not wait for them."""

    def torch_side() -> Side:
        model = _model(options)
        from painnless.worker.torch_side import TorchSide  # noqa: PLC0415

        return TorchSide(model, options.device, options.precision, options.threads)

    def package_side() -> Side:
        model = _model(options)
        from painnless.worker.package_side import PackageSide  # noqa: PLC0415

        return PackageSide(model, options.device, options.precision, options.energy_unit, options.threads)

    def ase_side() -> Side:
        from painnless.worker.ase_side import AseSide  # noqa: PLC0415

        return AseSide(options.serve.removeprefix("ase:"))

    if options.serve.startswith("ase:"):
        return ase_side
    if options.serve == "torch":
        return torch_side
    if options.serve == "package":
        return package_side
    raise PainnlessError("USAGE", f'--serve "{options.serve}", expected torch, package or ase:MODULE:FACTORY[?JSON]', "serve")


def _model(options: argparse.Namespace) -> str:
    if options.model is None:
        raise PainnlessError("USAGE", f'--serve "{options.serve}" needs --model', "model")
    if not os.path.isfile(options.model):  # before torch is imported, which takes seconds
        raise PainnlessError("NOT_FOUND", f"model file {options.model} is not there", "model")
    return options.model


try:
    status = main()
except Exception:
    status = 1
    traceback.print_exc()
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)  # the compute thread may be deep inside a library, which does not survive an interpreter that takes itself apart
