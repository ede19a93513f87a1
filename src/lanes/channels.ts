/**
 * What lanes tell to whoever listens, through `node:diagnostics_channel`. Nothing is built for a channel without subscribers.
 *
 * | channel | message |
 * |---|---|
 * | `holdfast:lanes:quarantine` | {@link QuarantineMessage} |
 */
import { type Channel, channel } from "node:diagnostics_channel";

/** A lane failed and takes nothing more; the others go on. */
export interface QuarantineMessage {
  readonly path: string;
  readonly lane: string;
  readonly cause: unknown;
}

export const quarantineChannel: Channel = channel("holdfast:lanes:quarantine");
