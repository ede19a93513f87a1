/** The version in the package's own package.json. */
import { readFileSync } from "node:fs";

/** `1.2.3`. Read when asked for, so that there is one statement of it. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const parsed: unknown = JSON.parse(text);
  const version = typeof parsed === "object" && parsed !== null && "version" in parsed ? parsed.version : undefined;
  return typeof version === "string" ? version : "0.0.0";
}
