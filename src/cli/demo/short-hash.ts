/** The beginning of a hash, enough to tell versions apart by eye. */
export function shortHash(hexadecimal: string): string {
  return `${hexadecimal.slice(0, 8)}…`;
}
