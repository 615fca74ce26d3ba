"""`bench exchange`: the whole way of a document on RabbitMQ and PostgreSQL, measured from outside."""

from __future__ import annotations

import os

from ops.dev.bench.attachment import attach
from ops.dev.bench.fanout import fan_out
from ops.dev.bench.figures import Figures, load_average
from ops.dev.bench.ground import Say, Size, open_ground
from ops.dev.bench.hot_spots import write_report
from ops.dev.bench.steady import pass_documents
from ops.dev.bench.stock import documents, large_document

_FANOUTS = 3


async def measure(size: Size, say: Say) -> Figures:
    """Return the figures of one run; takes a minute or two.

    Raises:
        BenchFailed: A process of the bench did not do its part.
        UnexpectedAnswer: The exchange did not do its.
        RabbitMqMissing, PostgresqlMissing: A server is not installed or did not come up.
    """
    load_before = load_average()
    async with open_ground(size, say) as ground:
        say(f"passing {size.warm_up} + {size.documents} documents, {size.connections} at once")
        steady = await pass_documents(ground, size)
        say(f"one document to {size.agencies - 1}, {_FANOUTS} times")
        papers = documents(ground.stock)[:_FANOUTS]
        fanouts = [await fan_out(ground.site, ground.watch, paper) for paper in papers]
        say(f"an attachment of {size.attachment_bytes / 1e6:.0f} MB")
        attached = await attach(ground.site, large_document(ground.stock))
        statements = await ground.watch.top_statements()
    if size.profile is not None:
        # Only now: a process writes its samples when it ends.
        write_report(size.profile, statements)
    return Figures(
        steady=steady,
        fanout_632_seconds=max(fanouts),
        fanouts=fanouts,
        fanout_agencies=size.agencies - 1,
        rss_growth_bytes=attached.growth_bytes,
        attachment_bytes=size.attachment_bytes,
        attachment_upload_seconds=attached.upload_seconds,
        yardsticks=ground.yardsticks,
        connections=size.connections,
        cores=os.cpu_count() or 1,
        load_before=load_before,
        load_after=load_average(),
    )
