/** The functions we use of `fs-native-extensions`, which ships no types. */
declare module "fs-native-extensions" {
  interface FsNativeExtensions {
    /** Takes an exclusive lock of a byte range for an open file description. False where another one holds it. */
    tryLock(fd: number, offset: number, length: number): boolean;
    /** Gives it back, for every descriptor of the description. */
    unlock(fd: number, offset: number, length: number): void;
  }
  const extensions: FsNativeExtensions;
  export default extensions;
}
