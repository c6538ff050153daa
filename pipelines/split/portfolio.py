"""The split of one workflow: which share of each task type goes to which candidate, so the promise holds.

Inputs are per option (a task type with one candidate): estimate and variance of d = candidate − reference,
of q = the reference's quality, and what full share saves. The method:

1. Shrink each d to the candidate's mean over the workflow's task types (DerSimonian-Laird; four task types
   or more). Only the mean is shrunk: the variance stays the task type's own, so that chosen shares aren't
   the lucky ones and the bound isn't narrower than the data.
2. Floor: the greatest whole percent s whose lower bound of s·d + (1 − floor)·q is at least 0, both with
   the task type's own d and with the shrunk one. The floor binds the mix that is served.
3. Over the workflow, raise shares where a step saves most per unit of quality lost, while the lower bound
   of Σ w·(s·d + (1 − retention)·q) is at least 0. The bound is concave in s, so the greedy path ends next
   to the optimum.
4. Where a task type has several candidates, prices of quality from a fixed grid pick one each; the split
   that saves most wins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.split.noninferiority import lower_bound

LEAST_SHARE = 5  # percent; the first step of a rollout, below which nothing can be served
MIN_TYPES_TO_SHRINK = 4
_STEPS = (20, 5, 1)
_PRICES = (0.0, 2.0, 5.0, 10.0, 20.0, 50.0, 150.0)


@dataclass(frozen=True, slots=True)
class Options:
    """Columns over the options of one workflow; `task` and `candidate` are indices, the rest as in the
    module.
    """

    task: np.ndarray
    candidate: np.ndarray
    weight: np.ndarray  # share of the workflow's requests in this task type
    d: np.ndarray
    variance: np.ndarray
    third: np.ndarray
    covariance: np.ndarray  # of d̂ and q̂
    q: np.ndarray
    q_variance: np.ndarray
    saving: np.ndarray  # dollars at full share; only options above 0 are served
    z: np.ndarray  # of the task type's floor
    allowed: np.ndarray  # bool: evidence and admission let it be served
    shrunk: np.ndarray  # d after shrinkage


def choice_of_tasks(tasks: int) -> int:
    """By how much the error is divided because the data also choose the task types, and the lucky look best.

    Too few task types to shrink: by their number. Shrinkage takes most of it away where there are more; for
    the rest the error is halved (undivided, 6-7 % of promises broke on generated workflows of 10 to 20 task
    types, and on halves of public data the interval held the other half in 75 %).
    """
    return max(tasks, 1) if tasks < MIN_TYPES_TO_SHRINK else 2


def shrink(candidate: np.ndarray, d: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """d per option, drawn to its candidate's mean over the task types."""
    shrunk = d.copy()
    for c in np.unique(candidate):
        at = np.flatnonzero(candidate == c)
        k = len(at)
        if k < MIN_TYPES_TO_SHRINK:
            continue
        y, u = d[at], variance[at]
        w = 1 / u
        mean = (w * y).sum() / w.sum()
        spare = w.sum() - (w * w).sum() / w.sum()
        between = max(0.0, ((w * (y - mean) ** 2).sum() - (k - 1)) / spare)
        w = 1 / (u + between)
        mean = (w * y).sum() / w.sum()
        own = between / (between + u)
        shrunk[at] = own * y + (1 - own) * mean
    return shrunk


def floor_percent(options: Options, floor: float) -> np.ndarray:
    """The greatest whole percent of each option at which its task type's bound stays at `floor` × the
    reference.
    """
    s = np.arange(0, 101)[None, :] / 100
    give = 1 - floor
    greatest = np.full(len(options.d), 100)
    for d in (options.d, options.shrunk):
        mean = s * d[:, None] + give * options.q[:, None]
        variance = (
            s**2 * options.variance[:, None]
            + give**2 * options.q_variance[:, None]
            + 2 * s * give * options.covariance[:, None]
        )
        bound = lower_bound(mean, variance, s**3 * options.third[:, None], options.z[:, None])
        fails = np.asarray(bound) < -1e-12
        fails[:, 0] = False
        first = np.where(fails.any(axis=1), fails.argmax(axis=1), 101)
        greatest = np.minimum(greatest, first - 1)
    return greatest


def choose(
    options: Options,
    q: np.ndarray,
    weight: np.ndarray,
    q_variance: np.ndarray,
    retention: float,
    floor: float,
    z: float,
) -> np.ndarray:
    """Whole percents per option. `q`, `weight`, `q_variance`: per task type, those with evidence whatever
    is decided.
    """
    ceiling = np.where(options.allowed & (options.saving > 0), floor_percent(options, floor), 0)
    ceiling[ceiling < LEAST_SHARE] = 0
    give = 1 - retention
    budget = give * float((weight * q).sum())
    budget_variance = give**2 * float((weight**2 * q_variance).sum())
    best = np.zeros(len(options.d), dtype=int)
    best_saving = 0.0
    tried: set[bytes] = set()
    for price in _PRICES:
        picked = _pick(options, ceiling, price)
        if picked.tobytes() in tried:
            continue
        tried.add(picked.tobytes())
        percent = _fill(options, np.where(picked, ceiling, 0), budget, budget_variance, give, z)
        saving = float((options.saving * percent).sum())
        if saving > best_saving * (1 + 1e-12):
            best, best_saving = percent, saving
    return best


def _pick(options: Options, ceiling: np.ndarray, price: float) -> np.ndarray:
    """One option per task type: the best of saving + price · change of quality, both at the option's
    ceiling.

    The price is in units of what all of the workflow could save, per unit of quality lost over the
    workflow.
    """
    scale = float(np.maximum(options.saving, 0).sum()) or 1.0
    worth = (options.saving / scale + price * options.weight * np.minimum(options.shrunk, 0)) * ceiling
    picked = np.zeros(len(ceiling), dtype=bool)
    at = np.flatnonzero(ceiling > 0)
    best_first = at[np.lexsort((at, -worth[at], options.task[at]))]
    _, first = np.unique(options.task[best_first], return_index=True)
    picked[best_first[first]] = True
    return picked


def _fill(
    options: Options, ceiling: np.ndarray, budget: float, budget_variance: float, give: float, z: float
) -> np.ndarray:
    """Greedy shares up to `ceiling`, then without what stays below the least share that can be served."""
    at = np.flatnonzero(ceiling)
    result = np.zeros(len(ceiling), dtype=int)
    while len(at):
        percent = _raise(options, at, ceiling[at], budget, budget_variance, give, z)
        if (percent >= LEAST_SHARE).all():
            result[at] = percent
            break
        at = at[percent >= LEAST_SHARE]
    return result


def _raise(
    options: Options,
    at: np.ndarray,
    ceiling: np.ndarray,
    budget: float,
    budget_variance: float,
    give: float,
    z: float,
) -> np.ndarray:
    w, m, v = options.weight[at], options.shrunk[at], options.variance[at]
    cov, third, saving = options.covariance[at], options.third[at], options.saving[at]
    first, second = w * m, w**2 * v
    cross, cube = 2 * give * w**2 * cov, w**3 * third
    percent = np.zeros(len(at), dtype=int)
    mean, square, skew = budget, budget_variance, 0.0
    bound = float(lower_bound(mean, square, skew, z))
    for step in _STEPS:
        # what one more step of each option adds; only the option that was raised changes
        add = np.minimum(step, ceiling - percent)
        s, up = percent / 100, percent / 100 + add / 100
        means = first * (up - s)
        squares = second * (up**2 - s**2) + cross * (up - s)
        skews = cube * (up**3 - s**3)
        worth = saving * add
        while True:
            bounds = np.asarray(lower_bound(mean + means, square + squares, skew + skews, z))
            fits = (add > 0) & (bounds >= 0)
            if not fits.any():
                break
            gain = worth / np.maximum(bound - bounds, 1e-9)
            i = int(np.where(fits, gain, -1.0).argmax())
            percent[i] += int(add[i])
            mean, square, skew = mean + float(means[i]), square + float(squares[i]), skew + float(skews[i])
            bound = float(bounds[i])
            add[i] = min(step, int(ceiling[i] - percent[i]))
            old, new = percent[i] / 100, percent[i] / 100 + add[i] / 100
            means[i] = first[i] * (new - old)
            squares[i] = second[i] * (new**2 - old**2) + cross[i] * (new - old)
            skews[i] = cube[i] * (new**3 - old**3)
            worth[i] = saving[i] * add[i]
    return percent
