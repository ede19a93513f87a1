/**
 * Crash-testing code of your own: a small settings file, replaced by writing a new one beside it and renaming it over the old one.
 *
 * `saveCarelessly` is how this is usually written, and it loses settings: the rename may reach the disk before the bytes that it
 * names. `save` does it right. The explorer is told what the program promises, and shows both.
 */
import { IoError } from "holdfast";
import { CrashFoundError, describeCrashReport, exploreCrashes, replayCrash } from "holdfast/testing";
import type { ExploreCrashesOptions } from "holdfast/testing";
import type { Vfs } from "holdfast/vfs";

const DIRECTORY = "/app";
const PATH = "/app/settings.json";
const NEW_PATH = "/app/settings.json.new";

interface Settings {
  readonly version: number;
  readonly theme: string;
}

type Save = (vfs: Vfs, settings: Settings) => Promise<void>;

/** Writes the new file and renames it, and never waits for the disk. */
const saveCarelessly: Save = async (vfs, settings) => {
  await writeNewFile(vfs, settings, { sync: false });
  await vfs.rename(NEW_PATH, PATH);
};

/** The bytes are on disk before the name leads to them, and the name is on disk before `save` resolves. */
const save: Save = async (vfs, settings) => {
  await writeNewFile(vfs, settings, { sync: true });
  await vfs.rename(NEW_PATH, PATH);
  await vfs.syncDirectory(DIRECTORY);
};

async function writeNewFile(vfs: Vfs, settings: Settings, { sync }: { sync: boolean }): Promise<void> {
  const file = await vfs.open(NEW_PATH, { access: "read-write", create: "if-missing" });
  try {
    // A crash may have left a longer one.
    await file.truncate(0);
    await file.write(new TextEncoder().encode(JSON.stringify(settings)), 0);
    if (sync) await file.syncData();
  } finally {
    await file.close();
  }
}

/** The settings, or `undefined` where none were ever saved. */
async function load(vfs: Vfs): Promise<Settings | undefined> {
  let file;
  try {
    file = await vfs.open(PATH, { access: "read" });
  } catch (error) {
    if (error instanceof IoError && error.errno === "ENOENT") return undefined;
    throw error;
  }
  try {
    const bytes = new Uint8Array(await file.size());
    await file.read(bytes, 0);
    return JSON.parse(new TextDecoder().decode(bytes)) as Settings;
  } finally {
    await file.close();
  }
}

/** What a run tells: a save has begun, a save is done. */
type SettingsEvent = { readonly kind: "saving" | "saved"; readonly version: number };

/** The promise: after a crash the settings are the last ones that were saved, or those that were being saved. */
function settingsScenario(name: string, saveWith: Save): ExploreCrashesOptions<Settings | undefined, SettingsEvent> {
  return {
    name,
    async workload({ vfs, note }) {
      await vfs.makeDirectory(DIRECTORY);
      await vfs.syncDirectory("/");
      for (let version = 1; version <= 3; version++) {
        note({ kind: "saving", version });
        await saveWith(vfs, { version, theme: version % 2 === 0 ? "dark" : "light".repeat(version * 80) });
        note({ kind: "saved", version });
      }
    },
    recover: ({ vfs }) => load(vfs),
    check(settings, events) {
      const newest = (kind: SettingsEvent["kind"]): number =>
        Math.max(0, ...events.filter((event) => event.kind === kind).map((event) => event.version));
      const version = settings?.version ?? 0;
      if (version < newest("saved"))
        throw new Error(`version ${newest("saved")} was saved, but version ${version} is there`);
      if (version > newest("saving")) throw new Error(`version ${version} was never saved`);
    },
  };
}

/** Explores both ways to save. Returns what was found, for the test of this example. */
export async function crashTestSettings(
  print: (line: string) => void,
): Promise<{ readonly found: CrashFoundError; readonly states: number }> {
  const careless = settingsScenario("careless settings", saveCarelessly);
  const found = await exploreCrashes(careless).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(found instanceof CrashFoundError)) throw new Error("The careless version passed.");
  print(found.message);

  // The line after "replay:" is all that a colleague needs to see the same state.
  const again = await replayCrash(careless, found.finding.id);
  print(`Replayed: ${again.failure?.finding.problem}.`);

  const report = await exploreCrashes(settingsScenario("careful settings", save));
  print(describeCrashReport(report));
  return { found, states: report.distinct };
}
