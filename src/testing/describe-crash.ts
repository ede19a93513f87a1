/** Shows a crash to people: what was done, what the disk kept of it, and what had been promised by then. */
import type { Question } from "../vfs/index.js";
import type { OpTrace, TraceEntry } from "./op-trace.js";

/** The newest lines of each run that are shown. */
const LINES_MAX = 40;

/** Lines for the workload and each recovery, up to their crash. */
export function describeCrash(
  traces: readonly OpTrace<unknown>[],
  crashes: readonly { readonly kind: string; readonly point: number }[],
  questions: readonly Question[],
  answers: readonly number[],
): string {
  const fates = fatesOf(questions, answers);
  const parts: string[] = [];
  traces.forEach((trace, level) => {
    const crash = crashes[level];
    const end = crash?.point ?? trace.entries.length;
    const lines: string[] = [];
    for (let at = 0; at <= end; at++) {
      const entry = trace.entries[at - 1];
      if (entry !== undefined) lines.push(describeEntry(at, entry, fates.get(entry.operation.id)));
      for (const note of trace.notes) if (note.after === at) lines.push(`        * ${JSON.stringify(note.event)}`);
    }
    const hidden = Math.max(0, lines.length - LINES_MAX);
    parts.push(level === 0 ? "workload:" : `recovery ${level}:`);
    if (hidden > 0) parts.push(`    (${hidden} earlier lines)`);
    parts.push(...lines.slice(hidden));
    if (crash !== undefined) parts.push(crash.kind === "cut" ? "    -- power cut --" : "    -- kill --");
  });
  return parts.join("\n");
}

function describeEntry(at: number, entry: TraceEntry, fate: string | undefined): string {
  const { operation } = entry;
  const where =
    operation.offset === undefined ? "" : ` [${operation.offset}, ${operation.offset + (operation.bytes ?? 0)})`;
  const size = operation.offset === undefined && operation.bytes !== undefined ? ` to ${operation.bytes} bytes` : "";
  const target = operation.to === undefined ? "" : ` -> ${operation.to}`;
  const failed = operation.failed === undefined ? "" : ` !${operation.failed}`;
  const mark = entry.phase === "begin" && fate !== undefined ? `   <- ${fate}` : "";
  return `    ${String(at).padStart(4)} ${entry.phase.padEnd(5)} ${operation.operation} ${operation.path}${target}${where}${size}${operation.durable === true ? " (durable)" : ""}${failed}${mark}`;
}

/** What the answers say of each operation. */
function fatesOf(questions: readonly Question[], answers: readonly number[]): Map<number, string> {
  const kept = new Map<number, { kept: number; lost: number; torn: number }>();
  questions.forEach((question, index) => {
    const answer = answers[index] ?? 0;
    const count = answer < question.whole ? (question.kept[answer] as number) : -1;
    question.operations.forEach((id, at) => {
      let entry = kept.get(id);
      if (entry === undefined) {
        entry = { kept: 0, lost: 0, torn: 0 };
        kept.set(id, entry);
      }
      if (count < 0) entry.torn++;
      else if (at < count) entry.kept++;
      else entry.lost++;
    });
  });
  const fates = new Map<number, string>();
  for (const [id, entry] of kept) {
    const torn = entry.torn > 0 ? ", torn" : "";
    if (entry.lost === 0 && entry.torn === 0) fates.set(id, "kept");
    else if (entry.kept === 0 && entry.torn === 0) fates.set(id, "lost");
    else fates.set(id, `${entry.kept} kept, ${entry.lost} lost${torn}`);
  }
  return fates;
}
