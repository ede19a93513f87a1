/** The fold of the demo: counts by name, flights per airport, departures and arrivals together, or blocks per miner. */

/** Counts by name. */
export type Counts = Map<string, number>;

/** Counts one flight at both of its ends. */
export function countFlight(counts: Counts, origin: string, destination: string): void {
  counts.set(origin, (counts.get(origin) ?? 0) + 1);
  counts.set(destination, (counts.get(destination) ?? 0) + 1);
}

/** Adds `more` into `counts`. */
export function addCounts(counts: Counts, more: Iterable<readonly [string, number]>): void {
  for (const [name, count] of more) counts.set(name, (counts.get(name) ?? 0) + count);
}

/** Whether both hold the same names with the same counts. */
export function equalCounts(a: Counts, b: Counts): boolean {
  if (a.size !== b.size) return false;
  for (const [name, count] of a) if (b.get(name) !== count) return false;
  return true;
}

/** One line of the ranking. */
export interface RankedCount {
  readonly name: string;
  readonly count: number;
}

/** The `limit` names that were counted most, the first of them first, equal ones by name. */
export function rank(counts: Counts, limit: number): RankedCount[] {
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    .slice(0, limit);
}
