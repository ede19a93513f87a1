/** Numbers as people read them. */

/** @param {number} perSecond */
export function rate(perSecond) {
  if (perSecond >= 999_500) return `${(perSecond / 1e6).toFixed(2)} M/s`;
  if (perSecond >= 10_000) return `${(perSecond / 1e3).toFixed(0)} k/s`;
  return `${perSecond.toFixed(0)} /s`;
}

/** @param {number} ns */
export function micros(ns) {
  return `${(ns / 1e3).toFixed(0)} µs`;
}

/** @param {number} ns */
export function nanos(ns) {
  return ns < 1000 ? `${ns.toFixed(0)} ns` : `${(ns / 1e3).toFixed(2)} µs`;
}

/** @param {number} ms */
export function millis(ms) {
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

/** @param {number} bytes */
export function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** @param {number} ratio */
export function times(ratio) {
  return `${ratio.toFixed(ratio < 10 ? 2 : 0)} ×`;
}

/** @param {number} share */
export function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}
