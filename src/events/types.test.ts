/** What TypeScript makes of the declarations: users write no cast. Checked by `tsc`; the bodies that must not run are never called. */
import { describe, expectTypeOf, it } from "vitest";
import { type CborLibrary, bytes, cbor, json, protobuf } from "./codec.js";
import type { EventLog } from "./event-log.js";
import { type EventData, type EventInput, type EventOf, defineEvents, event } from "./event-type.js";
import { snapshot } from "./versioned.js";

interface Deposit {
  readonly cents: number;
}

declare const library: CborLibrary;
declare const message: {
  encode(value: { block: bigint }): { finish(): Uint8Array };
  decode(bytes: Uint8Array): { block: bigint };
};

const declare = () =>
  defineEvents({
    deposited: event({
      id: 1,
      version: 2,
      codec: json<Deposit>(),
      upcast: { 1: (old: { euros: number }) => ({ cents: old.euros * 100 }) },
    }),
    checked: event({ id: 2, codec: json((value) => Number(value)) }),
    sealed: event({ id: 3, codec: bytes() }),
    tagged: event({ id: 4, codec: cbor<ReadonlyMap<string, number>>(library) }),
    mined: event({ id: 5, codec: protobuf(message), upcast: {} }),
    own: event({ id: 6, codec: { encode: (value: Date) => value.toISOString(), decode: (b) => new Date(b.length) } }),
  });
type Types = ReturnType<typeof declare>["types"];
type Log = EventLog<Types>;

describe("the types of an event log", () => {
  it("follow from the codecs", () => {
    expectTypeOf<EventData<Types, "deposited">>().toEqualTypeOf<Deposit>();
    expectTypeOf<EventData<Types, "checked">>().toEqualTypeOf<number>();
    expectTypeOf<EventData<Types, "sealed">>().toEqualTypeOf<Uint8Array>();
    expectTypeOf<EventData<Types, "tagged">>().toEqualTypeOf<ReadonlyMap<string, number>>();
    expectTypeOf<EventData<Types, "mined">>().toEqualTypeOf<{ block: bigint }>();
    expectTypeOf<EventData<Types, "own">>().toEqualTypeOf<Date>();
  });

  it("make a replay of two types their union, and of all types all of them", () => {
    type Two =
      | { readonly lsn: number; readonly type: "deposited"; readonly data: Deposit }
      | { readonly lsn: number; readonly type: "sealed"; readonly data: Uint8Array };
    const two = (log: Log) => log.replay({ types: ["deposited", "sealed"] });
    expectTypeOf<Awaited<ReturnType<ReturnType<typeof two>["next"]>>["value"]>().toEqualTypeOf<Two | void>();
    expectTypeOf<EventOf<Types, "deposited" | "sealed">>().toEqualTypeOf<Two>();
    const all = (log: Log) => log.replay();
    expectTypeOf<Awaited<ReturnType<ReturnType<typeof all>["next"]>>["value"]>().toEqualTypeOf<EventOf<Types> | void>();
    expectTypeOf<EventOf<Types>["type"]>().toEqualTypeOf<
      "deposited" | "checked" | "sealed" | "tagged" | "mined" | "own"
    >();
    expectTypeOf<Awaited<ReturnType<Log["get"]>>>().toEqualTypeOf<EventOf<Types> | undefined>();
  });

  it("are told apart by the name", () => {
    const narrow = async (log: Log): Promise<void> => {
      for await (const stored of log.replay({ types: ["deposited", "sealed"] })) {
        if (stored.type === "sealed") expectTypeOf(stored.data).toEqualTypeOf<Uint8Array>();
        else expectTypeOf(stored.data).toEqualTypeOf<Deposit>();
      }
      await log.replayWith(
        ({ data }) => {
          expectTypeOf(data).toEqualTypeOf<number>();
        },
        { types: ["checked"] },
      );
      for await (const { data } of log.follow({ types: ["own"] })) expectTypeOf(data).toEqualTypeOf<Date>();
    };
    expectTypeOf(narrow).toBeFunction();
  });

  it("refuse what does not belong together", () => {
    const refused = (log: Log): void => {
      // @ts-expect-error the data of another type
      void log.append("deposited", new Uint8Array(1));
      // @ts-expect-error a name that is not declared
      void log.append("withdrawn", { cents: 1 });
      // @ts-expect-error the data of another type, enqueued
      log.enqueue("sealed", { cents: 1 });
      // @ts-expect-error the data of another type, in a batch
      void log.appendAll([{ type: "sealed", data: { cents: 1 } }]);
      // @ts-expect-error a name that is not declared, in a replay
      void log.replay({ types: ["withdrawn"] });
      // @ts-expect-error an id is needed
      void event({ codec: json() });
      // @ts-expect-error a codec is needed
      void event({ id: 1 });
    };
    expectTypeOf(refused).toBeFunction();
    expectTypeOf<EventInput<Types>>().toExtend<{ readonly type: string; readonly data: unknown }>();
  });

  it("give the state of a hydration from what it starts with, and of a checkpoint from the snapshot", () => {
    const states = async (log: Log, strict: EventLog<Types, { readonly sum: number }>): Promise<void> => {
      const { state } = await log.hydrate({
        initial: new Map<string, number>(),
        apply: (map, { type, lsn }) => map.set(type, lsn),
      });
      expectTypeOf(state).toEqualTypeOf<Map<string, number>>();
      await log.checkpoint({ state });
      const counted = (counting: EventLog<Types, number>) => counting.hydrate({ initial: 0, apply: (sum) => sum + 1 });
      expectTypeOf<Awaited<ReturnType<typeof counted>>["state"]>().toEqualTypeOf<number>();
      await strict.checkpoint({ state: { sum: 1 } });
      // @ts-expect-error another state than that of the snapshot
      await strict.checkpoint({ state: { total: 1 } });
      // @ts-expect-error another state than that of the snapshot
      await strict.hydrate({ initial: 1, apply: (sum) => sum });
    };
    expectTypeOf(states).toBeFunction();
    const open = (openLog: typeof EventLog.open) =>
      openLog("/x", { events: declare(), snapshot: snapshot({ codec: json<{ readonly sum: number }>() }) });
    expectTypeOf<Awaited<ReturnType<typeof open>>>().toEqualTypeOf<EventLog<Types, { readonly sum: number }>>();
  });
});
