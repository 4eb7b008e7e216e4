"""What is promised about faults, tried: a table for each kind of fault.

    python -m benchmarks.reliability.kills            jobs killed or stopped at random moments
    python -m benchmarks.reliability.damage           artifacts that a disk has changed
    python -m benchmarks.reliability.images           image files that are not what they should be
    python -m benchmarks.reliability.failing_reads    a disk that fails, is gone, held or full
    python -m benchmarks.reliability.latency          seconds until a stopped job answers

Each ends with exit code 1 when a promise was broken, and takes `--seed` and a count.
"""
