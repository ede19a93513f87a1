export { crc32Range } from "./crc32.js";
export { crc32c, crc32cRange } from "./crc32c.js";
