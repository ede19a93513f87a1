/** Events to records and back. */
import { invalid } from "../base/index.js";
import type { LogRecord } from "../log/index.js";
import { headerOf } from "./checkpoint.js";
import { foreignRecord, undecodable, unencodable, unknownType, unknownVersion } from "./errors.js";
import type { EventDefinitions, EventOf, EventType, EventTypes } from "./event-type.js";
import { EVENT_ID_MAX, type RecordBody } from "./format.js";
import { type Wanted, wantEvents, wantTypes } from "./reader.js";
import { decodeVersioned } from "./versioned.js";

export class EventCoder<Types extends EventTypes> {
  /** Events decoded so far. */
  decoded = 0;
  readonly #events: EventDefinitions<Types>;

  constructor(events: EventDefinitions<Types>) {
    this.#events = events;
  }

  /** The record of an event; `HF_EVENT_UNENCODABLE` where the codec refuses it. */
  encode(where: string, name: string, data: unknown): RecordBody {
    const types: EventTypes = this.#events.types;
    const type = Object.hasOwn(types, name) ? types[name] : undefined;
    if (type === undefined) throw invalid(where, "type", name, Object.keys(types).join(", "));
    try {
      const body = type.codec.encode(data);
      if (!(body instanceof Uint8Array) && typeof body !== "string")
        throw new TypeError("the codec returned neither a Uint8Array nor a text");
      return { type: type.id, version: type.version, body };
    } catch (error) {
      throw unencodable(where, `a "${name}"`, error);
    }
  }

  /** The event of a record, or a `FormatError` that names its LSN. The payload is the codec's to keep. */
  decode(record: LogRecord): EventOf<Types> {
    const { lsn } = record;
    if (record.type === 0 || record.type > EVENT_ID_MAX) throw foreignRecord(lsn, record.type);
    const header = headerOf(record);
    const found = this.#events.byId(record.type);
    if (found === undefined) throw unknownType(lsn, record.type);
    const { name, type } = found;
    const { version, bodyStart } = header;
    if (version > type.version || version < type.versionMin) throw this.#unknownVersion(lsn, name, type, version);
    let data: unknown;
    try {
      data = decodeVersioned(type, version, record.payload.subarray(bodyStart));
    } catch (error) {
      throw undecodable(`The "${name}"`, lsn, error);
    }
    this.decoded += 1;
    return { lsn, type: name, data } as EventOf<Types>;
  }

  #unknownVersion(lsn: number, name: string, type: EventType<unknown>, version: number): Error {
    const details = { lsn, version, versionMin: type.versionMin, versionMax: type.version };
    return unknownVersion(`The "${name}"`, details, version > type.version);
  }

  /** Which records to read for events of these types; all where no types are given. */
  wanted(where: string, names: readonly string[] | undefined): Wanted {
    if (names === undefined) return wantEvents();
    if (!Array.isArray(names)) throw invalid(where, "types", names, "an array of names");
    const types: EventTypes = this.#events.types;
    return wantTypes(
      (names as readonly string[]).map((name) => {
        const type = Object.hasOwn(types, name) ? types[name] : undefined;
        if (type === undefined) throw invalid(where, "types", name, Object.keys(types).join(", "));
        return type.id;
      }),
    );
  }
}
