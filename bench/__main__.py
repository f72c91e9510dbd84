"""`python -m bench`: every figure that README quotes, one script after the other."""

from __future__ import annotations

import time

from bench import (
    bench_bill,
    bench_cache,
    bench_compressors,
    bench_fit,
    bench_guard,
    bench_hidden,
    bench_history,
    bench_latency,
    bench_ledger,
    bench_quality,
    bench_redis,
    bench_savings,
    bench_sessions,
    bench_start,
    bench_stream,
    bench_workers,
)

SCRIPTS = (
    bench_start, bench_latency, bench_history, bench_workers, bench_guard, bench_ledger, bench_cache, bench_redis, bench_stream, bench_hidden, bench_fit, bench_savings,
    bench_bill,
    bench_sessions, bench_compressors, bench_quality,
)

for script in SCRIPTS:
    print(f"== {script.__name__}: {(script.__doc__ or '').splitlines()[0]}", flush=True)
    started = time.perf_counter()
    script.main()
    print(f"   ({time.perf_counter() - started:.0f} s)\n", flush=True)
