"""The tables that `make bench` prints."""

import sys

# How many times the raw send() loop a delivery may cost us, and figures that hold by themselves.
RATIOS = {"1": 0.30, "2": 0.33, "3": 1.2, "5": 0.5}
MICROS = {"7": 60.0}
OPEN_LOOP_RATIO, OPEN_LOOP_P50, OPEN_LOOP_P99 = 1.01, 0.7, 1.6
IDLE_BYTES, HEARTBEAT_SECONDS = 2048, 5
ACKS_PER_SECOND, ACK_P99 = 20_000, 10
TWO_THREADS = 1.7

NOTES = """\
Server CPU: user and system time of all the server's threads, by the kernel's clock of the process, divided by the deliveries (connects,
acks) in the window; median of 3 windows of 2 s after 0.5 s. The server has one core and one event-loop thread, the client the other core.
Ours are parsed, stored, synced and acked before they are fanned out; the peers store nothing. Latencies are from the scheduled time
(open loop) or the sending (closed loop) to the receipt; in case 8 to the ack. nchan's publishers are connections of their own.
Case 9: all but 4 members of a room read only after the window, so that the client needs next to no CPU and the server is what limits;
throughput with two threads on both cores is compared with that of one thread on one core. "By CPU" is twice what a delivery costs with
one thread divided by what it costs with two: what two cores could do if nothing else wanted them."""


def progress(text: str):
    """What is being measured, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def table(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) if column < 2 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def figure(mode: str, median: dict) -> str:
    if mode == "idle":
        return f"{median['resident'] / median['connections'] / 1024:.1f} KB"
    if median.get("deliveries") == 0:
        return "none came"
    micros = median["cpu_micros"]
    return f"{micros:.2f} µs" if micros < 20 else f"{micros:.0f} µs"


def ratio(ours: float, other: float) -> str:
    return f"{ours / other:.2f}" if other else ""


def verdict(holds: bool, text: str) -> str:
    return f"{text} {'ok' if holds else 'OVER'}"


def judged(row: dict, ours: dict | None, raw: dict | None, results: list[dict]) -> str:
    """The bound of a case, and whether it holds."""
    number = row["case"]
    if not ours:
        return ""
    if number in RATIOS:
        return verdict(ours["cpu_micros"] / raw["cpu_micros"] <= RATIOS[number], f"{RATIOS[number]:.2f} x raw") if raw else ""
    if number == "4":
        cheap = not raw or ours["cpu_micros"] / raw["cpu_micros"] <= OPEN_LOOP_RATIO
        return verdict(
            cheap and ours["p50"] <= OPEN_LOOP_P50 and ours["p99"] <= OPEN_LOOP_P99,
            f"{OPEN_LOOP_RATIO} x raw, p50 {OPEN_LOOP_P50}, p99 {OPEN_LOOP_P99} ms")
    if number == "6":
        return verdict(ours["resident"] / ours["connections"] <= IDLE_BYTES, "2.0 KB")
    if number == "7":
        return verdict(ours["cpu_micros"] <= MICROS[number], f"{MICROS[number]:.0f} µs")
    if number == "8":
        return verdict(ours["per_second"] >= ACKS_PER_SECOND, f"{ACKS_PER_SECOND:,}/s")
    if number == "8b":
        return verdict(ours["p99"] <= ACK_P99, f"p99 {ACK_P99} ms")
    one = next((other["systems"].get("muster", {}).get("median") for other in results if other["case"] == "9"), None)
    if number == "9b" and one:
        gain = ours["per_second"] / one["per_second"]
        capacity = 2 * one["cpu_micros"] / ours["cpu_micros"]
        return verdict(gain >= TWO_THREADS, f"{gain:.2f} x one thread ({capacity:.2f} x by CPU), {TWO_THREADS} x")
    return ""


def middle(row: dict, name: str) -> dict | None:
    return row["systems"].get(name, {}).get("median")


def text(results: list[dict], names: list[str]) -> str:
    first = [["case", "server CPU per delivery (6: memory per connection, 7: CPU per connection, 8: per ack)", *names, "ours/raw", "bound"]]
    second = [["case", "system", "per second", "p50 ms", "p99 ms", "server", "client", ""]]
    for row in results:
        ours, raw = middle(row, "muster"), middle(row, "raw")
        cells = [figure(row["mode"], middle(row, name)) if middle(row, name) else "failed" if name in row["systems"] else "" for name in names]
        shown = ratio(ours["cpu_micros"], raw["cpu_micros"]) if ours and raw and row["mode"] == "messages" else ""
        first.append([row["case"], row["title"], *cells, shown, judged(row, ours, raw, results)])
        for name in names:
            figures = middle(row, name)
            if figures:
                second.append([row["case"], name, *detail(row["mode"], figures)])
    return f"{table(first)}\n\n{table(second)}\n\n{NOTES}"


def detail(mode: str, figures: dict) -> list[str]:
    busy = [f"{100 * figures[side]:.0f} %" if side in figures else "" for side in ("server_busy", "client_busy")]
    times = [f"{figures[name]:.2f}" if mode in ("messages", "acks") else "" for name in ("p50", "p99")]
    remark = f"{figures['wrong']} lost or twice" if figures["wrong"] else ""
    if "heartbeat_seconds" in figures:
        answered = f"{figures['heartbeats']:.0f} heartbeats answered in {figures['heartbeat_seconds']:.2f} s"
        remark = verdict(figures["heartbeats"] == figures["connections"] and figures["heartbeat_seconds"] <= HEARTBEAT_SECONDS, answered)
    return [f"{figures['per_second']:,.0f}", *times, *busy, remark]
