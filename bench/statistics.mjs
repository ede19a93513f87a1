/** Medians, quantiles and a slope: enough to read noisy measurements by. */

/**
 * The value below which the share `q` of `values` lies. `values` is left alone.
 *
 * @param {readonly number[]} values
 * @param {number} q between 0 and 1
 * @returns {number} NaN when there are none
 */
export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

/**
 * @param {readonly number[]} values
 * @returns {number}
 */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * The slope of the straight line nearest to the points, by least squares.
 *
 * @param {readonly { x: number, y: number }[]} points
 * @returns {number} NaN for fewer than two
 */
export function slope(points) {
  const n = points.length;
  if (n < 2) return Number.NaN;
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / n;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / n;
  let above = 0;
  let below = 0;
  for (const { x, y } of points) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return above / below;
}
