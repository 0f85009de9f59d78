"""The table, the flat JSON keys and the bars of the operator benchmark."""

ROWS = [  # key of the figures, label
    ("wall_s", "wall until every tenant is Ready, s"),
    ("server_cpu_s", "  API server + etcd CPU meanwhile, s"),
    ("cpu_s", "CPU of the operator, s"),
    ("cpu_ms_per_tenant", "  per tenant, ms"),
    ("rss_peak_mb", "RSS peak, MiB"),
    ("rss_settled_mb", "RSS settled, MiB"),
    ("cached_json_mb", "  JSON of what is cached, MiB"),
    ("rss_after_restart_mb", "RSS after a restart, MiB"),
    ("requests_per_tenant_total", "requests a tenant, events apart"),
    ("writes_at_rest", "writes at rest"),
    ("cpu_at_rest_percent", "CPU at rest, % of a core"),
    ("writes_after_restart", "writes after a restart"),
    ("restart_drained_s", "queue drained after a restart, s"),
    ("restart_cpu_s", "  CPU until then, s"),
    ("reaction_p50_ms", "reaction over the server's own, p50 ms"),
    ("reaction_p99_ms", "  p99 ms"),
    ("reaction_after_delivery_p50_ms", "  since a plain watcher had heard, p50 ms"),
    ("reaction_after_delivery_p99_ms", "  p99 ms"),
    ("reaction_whole_p50_ms", "edit to child in all, p50 ms"),
    ("reaction_whole_p99_ms", "  p99 ms"),
    ("failover_clean_s", "failover after a clean stop, s"),
    ("failover_killed_s", "failover after a kill, s"),
]
CONTESTANTS = ("loader", "alphorn", "controller_runtime", "controller_runtime_tuned")
TITLES = {"loader": "raw loader", "alphorn": "alphorn", "controller_runtime": "c-runtime",
          "controller_runtime_tuned": "c-r tuned"}
WIDTH = 12


def flat(results):
    """alphorn.wall_s_1000 and the like; what does not depend on size, of the largest, without one."""
    keys = {name: value for name, value in results.items() if not is_by_size(name)}
    for name in CONTESTANTS:
        sizes = results.get(name, {})
        figures = keys.setdefault(name, {})
        for size, values in sorted(sizes.items()):
            for key, value in values.items():
                figures[f"{key}_{size}"] = value
                figures[key] = value
    if results.get("loader"):
        largest = results["loader"][max(results["loader"])]
        keys["server"] = {"write_p50_ms": largest["write_p50_ms"],
                          "write_p99_ms": largest["write_p99_ms"]}
    return keys


def is_by_size(name):
    return name in CONTESTANTS


def bars(results):
    """What issue and README ask for, and whether it was met. A bar whose figures are missing is
    left out."""
    judged = []

    def bar(name, value, limit):
        if value is not None and limit is not None:
            judged.append({"bar": name, "value": round(value, 3), "limit": round(limit, 3),
                           "met": value <= limit})

    largest = max(results["settings"]["tenants"])
    children = results.get("children_per_tenant")
    for size in results["settings"]["tenants"]:
        ours = results.get("alphorn", {}).get(size, {})
        theirs = results.get("controller_runtime", {}).get(size, {})
        loader = results.get("loader", {}).get(size, {})

        def share(key, of, me=ours):
            return me[key] / of[key] if me.get(key) and of.get(key) else None

        bar(f"wall / raw loader at {size}", share("wall_s", loader), 1.1)
        bar(f"CPU / controller-runtime at {size}", share("cpu_s", theirs), 0.5)
        if children:
            bar(f"requests a tenant at {size}", ours.get("requests_per_tenant_total"), children + 2)
        bar(f"writes at rest at {size}", ours.get("writes_at_rest"), 0)
        bar(f"writes after a restart at {size}", ours.get("writes_after_restart"), 0)
        bar(f"failover clean at {size}, s", ours.get("failover_clean_s"), 4.4)
        bar(f"failover killed at {size}, s", ours.get("failover_killed_s"), 20)
        if size == largest:
            bar(f"settled RSS / controller-runtime at {size}", share("rss_settled_mb", theirs), 0.35)
            bar(f"restart / controller-runtime at {size}", share("restart_drained_s", theirs), 0.5)
            bar(f"reaction p50 at {size}, ms", ours.get("reaction_p50_ms"), 3)
            bar(f"reaction p99 at {size}, ms", ours.get("reaction_p99_ms"), 10)
            cached = ours.get("cached_json_mb")
            bar(f"settled RSS at {size}, MiB", ours.get("rss_settled_mb"),
                cached and 1.5 * cached + 20)
    return judged


def print_report(results, judged):
    present = [name for name in CONTESTANTS if results.get(name)]
    for size in results["settings"]["tenants"]:
        print(f"\n{size} tenants, {results['settings']['workers']} workers, "
              f"{results['settings']['cores']} cores shared with the server")
        print(" " * 40 + "".join(f"{TITLES[name]:>{WIDTH}}" for name in present))
        for key, label in ROWS:
            values = [results[name].get(size, {}).get(key) for name in present]
            if any(value is not None for value in values):
                print(f"{label:<40}" + "".join(
                    f"{'' if value is None else value:>{WIDTH}}" for value in values))
        for name in present:
            verbs = results[name].get(size, {}).get("requests_per_tenant")
            if verbs:
                text = ", ".join(f"{verb} {count}" for verb, count in verbs.items())
                print(f"requests a tenant, {TITLES[name]}: {text}")
    if judged:
        print("\nbars")
    for bar in judged:
        print(f"  {'met   ' if bar['met'] else 'MISSED'}  {bar['bar']}: {bar['value']} "
              f"(at most {bar['limit']})")
