"""Pannier's agent beside the original: the same configurations, the same kind of server.

    python3 e2e/parity compare|faults|dynamic|serving|leaks|all [--only TEXT] [--keep DIR]

The programs come from the environment: PANNIER_BAO is OpenBao's `bao`, PANNIER_AGENT is `pannier-agent`.
With `--subject oracle` the original is compared with itself, which shows whether the comparison is stable.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def program(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value or not Path(value).exists():
        sys.exit(f"{variable} names no program: run `make parity`, which sets it")
    return str(Path(value).resolve())


def main() -> int:
    parser = argparse.ArgumentParser(prog="parity", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["compare", "faults", "dynamic", "serving", "leaks", "all"])
    parser.add_argument("--subject", default="pannier", choices=["pannier", "oracle"])
    parser.add_argument("--only", default="", help="cases, groups or faults whose name contains TEXT")
    parser.add_argument("--keep", help="work in this folder (must not exist, except for `leaks`) and leave it there")
    parser.add_argument("--jobs", type=int, default=4, help="cases at a time")
    parser.add_argument("--seconds", type=int, default=180, help="length of the dynamic credentials run")
    options = parser.parse_args()

    oracle = program("PANNIER_BAO")
    subject = oracle if options.subject == "oracle" else program("PANNIER_AGENT")
    if options.keep:
        folder = Path(options.keep).resolve()
        folder.mkdir(parents=True, exist_ok=options.what == "leaks")
        return run(options, oracle, subject, folder)
    with tempfile.TemporaryDirectory(prefix="parity-") as temporary:
        return run(options, oracle, subject, Path(temporary))


def run(options, oracle: str, subject: str, folder: Path) -> int:
    failed = 0
    every = options.what == "all"
    if every:
        # Three minutes of mostly waiting go well beside everything else.
        (folder / "beside").mkdir()
        with open(folder / "beside" / "output.txt", "wb") as output:
            beside = subprocess.Popen([sys.executable, __file__, "dynamic", "--subject", options.subject, "--seconds", str(options.seconds),
                                       "--keep", str(folder / "beside" / "run")], stdout=output, stderr=output)
    if every or options.what == "compare":
        import compare

        failed += compare.run(oracle, subject, folder / "compare", options.only, options.jobs)
    if every or options.what == "faults":
        import faults

        failed += faults.run(oracle, subject, folder / "faults", options.only)
    if options.what == "dynamic":
        import dynamic

        failed += dynamic.run(oracle, subject, folder / "dynamic", options.seconds)
    if every or options.what == "serving":
        import serving

        failed += serving.run(oracle, subject, folder / "serving")
    if every:
        code = beside.wait()
        failed += code != 0
        print((folder / "beside" / "output.txt").read_text())
    if every or options.what == "leaks":
        import leaks

        failed += leaks.run(folder)
    print(f"parity: {failed} unexplained" if failed else "parity: nothing unexplained")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
