"""`python -m tests.company`: writes a workspace, or, with a policy, the days that follow under it."""

from __future__ import annotations

import argparse
import shutil
from datetime import date, timedelta
from pathlib import Path

from tests.company import Company, write
from tests.company.story import DAYS, FIRST_DAY


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.company", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the workspace")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=None, help="first day, ISO")
    parser.add_argument(
        "--policy", type=Path, help="go on under this routing policy, from --from on, beside what is there"
    )
    args = parser.parse_args()
    if args.policy:
        from ruamel.yaml import YAML

        policy = YAML(typ="safe", pure=True).load(args.policy)
        company, period = Company(args.seed).continue_under(
            policy, args.first or FIRST_DAY + timedelta(days=DAYS), args.days
        )
    else:
        company = Company(args.seed, args.first or FIRST_DAY)
        period = company.period(days=args.days)
        for folder in ("logs", "bills"):
            shutil.rmtree(args.out / folder, ignore_errors=True)
        for name in ("outlay.yaml", "gateway/config.yaml"):
            (args.out / name).unlink(missing_ok=True)
    write(company, period, args.out)


if __name__ == "__main__":
    main()
