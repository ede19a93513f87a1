/** The types of the entries of an era1 file. */
export const entryTypes = {
  version: 0x3265,
  header: 0x03,
  body: 0x04,
  receipts: 0x05,
  totalDifficulty: 0x06,
  accumulator: 0x07,
  blockIndex: 0x3266,
} as const;
