"""What a build takes: bytes by variable, layer, block and device, of a trace alone."""

from buildtrace.planning.making import PlanRequest, make_plan

__all__ = ["PlanRequest", "make_plan"]
