"""One thread for every numerical library: sums of several threads come in any order, and the last bit of the teacher's Hessian turns
degenerate normal modes around, so that a seed would no longer give the same frames."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
