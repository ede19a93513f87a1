export { crc32c, crc32cRange } from "./crc32c.js";
