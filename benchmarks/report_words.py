"""The words of docs/performance.md: what is measured, and how to read it.

Decides the order of the parts.
"""

from typing import Final, NamedTuple


class Part(NamedTuple):
    """Title and text above the figures of a part."""

    title: str
    about: str


TITLES: Final = {
    "rates": Part(
        "Rates",
        "Closed loops, everything on one machine. **payin initiations**: signed HTTP request, every check, stored "
        "intent, HTTP call to the provider, stored outcome, answer; no payin is paid. **payin lifecycles**: the same, "
        "then the provider's webhook, ledger entries, and the callback verified by the merchant; counted when the "
        "callback was verified, with a bounded number of payments under way. **payout lifecycles**: hold, provider, "
        "webhook (or poll), posting, verified callback.",
    ),
    "ledger": Part(
        "The ledger alone",
        "One writing process with two connections, in batches of 4,096 (beside the jobs: 256) and with four lines per "
        "entry where nothing else is said: over 250 groups of four accounts (spread), or all on the same four (hot). "
        "All of it in rounds with pgbench's debit-credit, so that what drifts meets each alike; a figure is that of "
        "the round in the middle. **beside**: another process seals every second and takes snapshots as often. "
        "On any other PostgreSQL: `python benchmarks/ledger.py DATABASE_URL`.",
    ),
    "routing": Part(
        "Routing alone",
        "One decision over fifty channels in all states of health and two hundred rules, by way of ordering: processor "
        "time of one process, the best of twenty rounds. No store takes part. `python benchmarks/routing.py` prints "
        "the same; failover under load is in `docs/routing.md`.",
    ),
    "latency": Part(
        "Latency of initiate by load",
        "Requests arrive at random moments (Poisson) at a share of a capacity measured before, whether or not earlier "
        "ones are answered; time counts from the moment a request was due, so nothing is omitted. At 100 % every "
        "stall stays in the queue for good: that is what a capacity is.",
    ),
    "overload": Part(
        "Beyond capacity",
        "One load whose arrivals rise beyond the capacity of initiations and fall again. What one process cannot do "
        "within its target is refused before it is read "
        "([handbook](operations/handbook.md#overload)); the load generator takes its share of the same cores.",
    ),
    "scaling": Part(
        "More processes on the same machine",
        "With as many payment as worker processes; compare with the rates above, which are of one each. On a machine "
        "whose cores are all busy already, more processes add only their own cost.",
    ),
    "soak": Part(
        "Memory over time",
        "Sampled while payins run to their end. The simulator and the load generator keep what they have seen, so "
        "theirs grows by design; PostgreSQL's grows until its buffers are full.",
    ),
    "rows": Part(
        "Many stored payments",
        "History is copied from payments that the product carried through: transactions, events, attempts, entries, "
        "lines, outbox and inbox. The same loads on each size.",
    ),
    "profile": Part(
        "Where the time goes",
        "Payin lifecycles with a sampler in the payment and the worker process (every 5 ms of processor time), and "
        "PostgreSQL's own counts. Functions are ours, innermost first found, with the libraries they call. To profile "
        'something else: `make bench ARGS="--only profile"`, or run an instance under `benchmarks/profiled.py`, send '
        "it SIGUSR1 to start and SIGUSR2 to write.",
    ),
}

ABOVE: Final = """\
# Performance

Written by `make bench ARGS=--write-docs`; do not edit. Each part is of one run on one server that also carries the load
generator, the simulated provider and the merchants' receiver. Compare the ratios to pgbench's debit-credit transaction,
measured on the same PostgreSQL before and after ({clients} clients, {threads} threads, scale {scale}), not the figures.
**others** is processor time that other programs and other virtual machines took: a run during which it is not near
zero says little about anything but itself. `--only PART` measures parts again and leaves the others; `--rows` and
`--soak-minutes` set sizes. The figures as JSON: [performance.json](performance.json)."""
