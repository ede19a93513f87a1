/** Event types: what a program declares once, and the TypeScript types that follow from it. */
import { InvalidArgumentError, checkInteger, checkOptions, invalid } from "../base/index.js";
import { EVENT_ID_MAX } from "./format.js";
import {
  type Unchecked,
  VERSIONED_OPTIONS,
  type Versioned,
  type VersionedOptions,
  checkVersioned,
} from "./versioned.js";

/** Options of {@link event}. */
export interface EventOptions<T> extends VersionedOptions<T> {
  /** What the log calls this type, 1 to 239. It must never change, and never be given to another type; the name may. */
  readonly id: number;
}

/** One type of event. */
export interface EventType<T> extends Versioned<T> {
  readonly id: number;
}

/** Event types by name. */
export type EventTypes = Readonly<Record<string, EventType<unknown>>>;

/** The names of the types. */
export type EventName<Types extends EventTypes> = keyof Types & string;

/** What an event of this name carries. */
export type EventData<Types extends EventTypes, Name extends EventName<Types>> =
  Types[Name] extends EventType<infer T> ? T : never;

/** An event of one of these names, as readers get it: a union that `type` tells apart. */
export type EventOf<Types extends EventTypes, Name extends EventName<Types> = EventName<Types>> = {
  readonly [Each in Name]: { readonly lsn: number; readonly type: Each; readonly data: EventData<Types, Each> };
}[Name];

/** An event to append: its name and what it carries. */
export type EventInput<Types extends EventTypes> = {
  readonly [Each in EventName<Types>]: { readonly type: Each; readonly data: EventData<Types, Each> };
}[EventName<Types>];

/** Declares one type of event, for {@link defineEvents}. */
export function event<T>(options: EventOptions<T>): EventType<T> {
  return checkEvent<T>("event", checkOptions("event", options, ["id", ...VERSIONED_OPTIONS]));
}

function checkEvent<T>(where: string, given: Unchecked<EventOptions<T>>): EventType<T> {
  const id = checkInteger(where, "id", given.id, { min: 1, max: EVENT_ID_MAX }, undefined);
  if (id === undefined) throw invalid(where, "id", id, `an integer from 1 to ${EVENT_ID_MAX}`);
  return { id, ...checkVersioned(where, given) };
}

/** A named event type. */
export interface NamedEventType {
  readonly name: string;
  readonly type: EventType<unknown>;
}

/** The types of an event log, by name and by id. Made by {@link defineEvents}. */
export class EventDefinitions<Types extends EventTypes> {
  readonly types: Types;
  readonly #byId: readonly (NamedEventType | undefined)[];

  constructor(types: Types) {
    const byId: (NamedEventType | undefined)[] = Array.from({ length: EVENT_ID_MAX + 1 }, () => undefined);
    const checked: [string, EventType<unknown>][] = [];
    for (const [name, given] of Object.entries(types)) {
      // A type that `event` did not make could write what no build reads.
      if (typeof given !== "object" || given === null) throw invalid("defineEvents", name, given, "what event returns");
      const type = checkEvent(`defineEvents: ${name}`, given);
      const other = byId[type.id];
      if (other !== undefined) {
        throw new InvalidArgumentError(
          "HF_INVALID_ARGUMENT",
          `defineEvents: "${name}" and "${other.name}" both have the id ${type.id}. Give one of them another.`,
          { id: type.id, first: other.name, second: name },
        );
      }
      byId[type.id] = { name, type };
      checked.push([name, type]);
    }
    this.types = Object.fromEntries(checked) as Types;
    this.#byId = byId;
  }

  /** The type with this id; `undefined` where none has it. */
  byId(id: number): NamedEventType | undefined {
    return this.#byId[id];
  }
}

/**
 * Declares the types of an event log. The names are the program's own; what the log stores is each type's `id` and `version`.
 *
 * Errors: `InvalidArgumentError` where two types share an id.
 *
 * @example
 * ```ts
 * import { bytes, defineEvents, event, json } from "holdfast/events";
 *
 * const events = defineEvents({
 *   deposited: event({
 *     id: 1,
 *     version: 2,
 *     codec: json<{ account: string; cents: number }>(),
 *     upcast: { 1: (old: { account: string; euros: number }) => ({ account: old.account, cents: old.euros * 100 }) },
 *   }),
 *   sealed: event({ id: 2, codec: bytes() }),
 * });
 * console.log(Object.keys(events.types)); // [ "deposited", "sealed" ]
 * ```
 */
export function defineEvents<const Types extends EventTypes>(types: Types): EventDefinitions<Types> {
  if (typeof types !== "object" || types === null) throw invalid("defineEvents", "types", types, "an object of events");
  return new EventDefinitions(types);
}
