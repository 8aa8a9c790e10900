"""What each section can take, and what its feeder has: every status, every limit, unknowns among them.

All power is in whole kW here, so that sums are exact; UNKNOWN stands for none published.
"""

from dataclasses import dataclass

import numpy as np

from hosting.load.draw import Drawing, Floats, Ints

UNKNOWN = -1
CEILING_KW = 10_000  # where the study of generation stops
STATUSES = ("published", "at_least", "withheld", "not_studied", "unknown")
METRICS = ("thermal", "voltage", "protection", "islanding", "reverse_power", "unknown", None)
_METRIC_SHARES = (0.40, 0.34, 0.12, 0.05, 0.05, 0.02, 0.02)
KV = (4.16, 12.47, 13.2, 24.9, 34.5)
_KV_SHARES = (0.1, 0.45, 0.25, 0.15, 0.05)
# Feeders with a story: all sections withheld, not studied or unknown, or nothing left at all.
_STORIES = ("plain", "withheld", "not_studied", "unknown", "zero")
_STORY_SHARES = (0.905, 0.02, 0.025, 0.015, 0.035)


@dataclass(frozen=True)
class Figures:
    """A utility's figures: of its feeders (kv, installed, queued, network), then of its sections."""

    kv: Ints  # place in KV
    installed_kw: Ints
    queued_kw: Ints
    is_network: Ints
    generation_kw: Ints
    generation_status: Ints  # place in STATUSES
    load_kw: Ints
    load_status: Ints
    metric: Ints  # place in METRICS
    is_overhead: Ints
    phases: Ints  # 1 to 3


def study(drawing: Drawing, rng: np.random.Generator) -> Figures:
    """Figures for a network; less is left the farther from the substation a section is."""
    feeders, sections = len(drawing.sections), len(drawing.reach)
    kv = rng.choice(len(KV), feeders, p=_KV_SHARES)
    strength_kw = np.clip(rng.lognormal(np.log(2_600), 0.9, feeders), 150, 30_000)
    installed = _whole(strength_kw * rng.uniform(0, 0.5, feeders))
    queued = _whole(np.where(rng.random(feeders) < 0.4, 0, strength_kw * rng.uniform(0, 0.3, feeders)))
    installed[rng.random(feeders) < 0.04] = UNKNOWN
    queued[rng.random(feeders) < 0.06] = UNKNOWN

    of = np.repeat(np.arange(feeders), drawing.sections)
    story = rng.choice(len(_STORIES), feeders, p=_STORY_SHARES)[of]
    left = np.clip(1 - 0.75 * drawing.reach, 0.05, 1) * rng.uniform(0.85, 1.15, sections)
    generation = _whole(strength_kw[of] * left)
    generation_status = np.where(generation >= CEILING_KW, STATUSES.index("at_least"), 0)
    generation = np.minimum(generation, CEILING_KW)
    load = _whole(strength_kw[of] * 0.6 * np.clip(left, 0, 1))
    load_status = np.zeros(sections, np.int64)
    odd = rng.random(sections)
    for figure, status in ((generation, generation_status), (load, load_status)):
        figure[story == _STORIES.index("zero")] = 0
        status[story == _STORIES.index("zero")] = 0
        for word in ("withheld", "not_studied", "unknown"):
            status[story == _STORIES.index(word)] = STATUSES.index(word)
        status[odd < 0.02] = STATUSES.index("not_studied")
        status[odd > 0.99] = STATUSES.index("unknown")
        figure[status >= STATUSES.index("withheld")] = UNKNOWN
    metric = rng.choice(len(METRICS), sections, p=_METRIC_SHARES)
    metric[generation_status > 0] = METRICS.index(None)  # nothing bound, or nobody says what did
    return Figures(
        kv=kv,
        installed_kw=installed,
        queued_kw=queued,
        is_network=(rng.random(feeders) < 0.005).astype(np.int64),
        generation_kw=generation,
        generation_status=generation_status,
        load_kw=load,
        load_status=load_status,
        metric=metric,
        is_overhead=(rng.random(sections) < 0.8).astype(np.int64),
        phases=np.where(drawing.is_trunk, 3, rng.integers(1, 3, sections)),
    )


def _whole(kilowatts: Floats) -> Ints:
    return np.round(kilowatts).astype(np.int64)
