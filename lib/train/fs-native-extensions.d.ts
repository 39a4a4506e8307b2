/** The part of `fs-native-extensions` that is used here; the package brings no types. */
declare module 'fs-native-extensions' {
  /**
   * Asks for an exclusive lock of the operating system on a part of a file that is open for writing; macOS locks whole files.
   *
   * @returns whether it was granted
   */
  export function tryLock(fd: number, offset?: number, length?: number): boolean;
}
