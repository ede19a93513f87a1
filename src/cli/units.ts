/** Numbers as people read them. */

/** `1,234,567`. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** `512 B`, `4.0 KiB`, `93.2 MiB`. */
export function formatBytes(bytes: number): string {
  if (Math.abs(bytes) < 1024) return `${Math.round(bytes)} B`;
  let value = bytes;
  let unit = "B";
  for (const next of ["KiB", "MiB", "GiB", "TiB"]) {
    // Go on while one decimal would print as 1024.0 of the smaller unit.
    if (Math.abs(value) < 1023.95) break;
    value /= 1024;
    unit = next;
  }
  return `${value.toFixed(1)} ${unit}`;
}

/** A rate per second: `950/s`, `312 k/s`, `2.31 M/s`. */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return "-";
  if (perSecond < 9_999.5) return `${formatCount(perSecond)}/s`;
  if (perSecond < 999_500) return `${(perSecond / 1e3).toFixed(perSecond < 99_950 ? 1 : 0)} k/s`;
  return `${(perSecond / 1e6).toFixed(2)} M/s`;
}

/** A time: `85 µs`, `12.3 ms`, `4.21 s`, `3 min 05 s`. */
export function formatDuration(ms: number): string {
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** `0 %`, `42 %`; never 100 before the end. */
export function formatPercent(done: number, total: number): string {
  if (total <= 0 || done >= total) return "100 %";
  return `${Math.floor((done / total) * 100)} %`;
}

/** `1 segment`, `3 segments`. */
export function formatPlural(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
