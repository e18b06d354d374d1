"""python -m painnless.importers SOURCE TARGET [--energy-unit U]: prints the summary as JSON.

For debugging; users run `painnless import`.
"""

import argparse
import json
import sys

from painnless.errors import PainnlessError
from painnless.importers import convert

parser = argparse.ArgumentParser(prog="python -m painnless.importers")
parser.add_argument("source")
parser.add_argument("target")
parser.add_argument("--energy-unit")
arguments = parser.parse_args()
try:
    print(json.dumps(convert(arguments.source, arguments.target, arguments.energy_unit), indent=2, ensure_ascii=False))
except PainnlessError as error:
    print(f"{error.code}: {error.message}", file=sys.stderr)
    sys.exit(2)
