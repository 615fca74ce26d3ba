"""The demo's two connected centres: a department each, with the agencies beneath it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ops.dev.city import Row
from ops.dev.site import Site
from ops.dev.vxp_client import Centre

COUNT = 2
_BODY = 2
"""The level of departments and wards."""
_LABEL = "label"


@dataclass(frozen=True, slots=True)
class Plan:
    """A centre to be: the code its system id is made of, and the agencies behind it, the top one first."""

    top: str
    agencies: tuple[str, ...]

    @property
    def system_id(self) -> str:
        """Return the id the centre will have."""
        return f"{self.top}.vxp"


def plan_centres(city: Sequence[Row]) -> list[Plan]:
    """Return two centres, or none when the city is too small.

    The first body of the city keeps its policy `require` and stays on `/v1`; departments come before wards.
    """
    bodies = {row.code: [row.code] for row in city if row.level == _BODY}
    for row in city:
        if row.level > _BODY:
            bodies[row.parent].append(row.code)
    plans = [Plan(codes[0], tuple(codes)) for codes in bodies.values() if len(codes) > 1]
    # A department's code is shorter than a ward's.
    chosen = sorted(plans[1:], key=lambda plan: len(plan.top))[:COUNT]
    return chosen if len(chosen) == COUNT else []


def with_labels(city: Sequence[Row], plans: Sequence[Plan]) -> list[Row]:
    """Return the city with the policy `label` for all agencies behind a centre."""
    connected = {code for plan in plans for code in plan.agencies}
    return [replace(row, policy=_LABEL) if row.code in connected else row for row in city]


async def connect_centres(site: Site, plans: Sequence[Plan]) -> list[Centre]:
    """Connect the centres as an operator does.

    Raises:
        CannotRun: A command failed.
    """
    centres = []
    for plan in plans:
        made = await site.command(
            *("systems", "create", plan.system_id, "--name", f"Trung tâm {plan.top}"),
            *("--agencies", ",".join(plan.agencies), "--register-under", plan.top),
        )
        centre = Centre(f"{site.url}/vxp", made["system_id"], made["secret"], tuple(made["agencies"]))
        centres.append(centre)
    return centres
