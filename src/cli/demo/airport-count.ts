/** The fold of the demo: flights per airport, departures and arrivals together. */

/** Flights by airport code. */
export type AirportCounts = Map<string, number>;

/** Counts one flight at both of its ends. */
export function countFlight(counts: AirportCounts, origin: string, destination: string): void {
  counts.set(origin, (counts.get(origin) ?? 0) + 1);
  counts.set(destination, (counts.get(destination) ?? 0) + 1);
}

/** Adds `more` into `counts`. */
export function addCounts(counts: AirportCounts, more: Iterable<readonly [string, number]>): void {
  for (const [airport, flights] of more) counts.set(airport, (counts.get(airport) ?? 0) + flights);
}

/** Whether both hold the same airports with the same counts. */
export function equalCounts(a: AirportCounts, b: AirportCounts): boolean {
  if (a.size !== b.size) return false;
  for (const [airport, flights] of a) if (b.get(airport) !== flights) return false;
  return true;
}

/** One line of the ranking. */
export interface RankedAirport {
  readonly airport: string;
  readonly flights: number;
}

/** The busiest `limit` airports, the busiest first, equal ones by code. */
export function busiestAirports(counts: AirportCounts, limit: number): RankedAirport[] {
  return [...counts]
    .map(([airport, flights]) => ({ airport, flights }))
    .sort((a, b) => b.flights - a.flights || (a.airport < b.airport ? -1 : 1))
    .slice(0, limit);
}
