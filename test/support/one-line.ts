/** @file What every error meant for a user has in common: its class, and a message of one line. */
import { expect } from 'vitest';

/** Runs `action`, which must throw an `ErrorClass` with a one-line message, and returns that message. */
export function messageOf(ErrorClass: new (message: string) => Error, action: () => unknown): string {
  let caught: unknown;
  try {
    action();
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(ErrorClass);
  const { message } = caught as Error;
  expect(message).not.toMatch(/[\r\n]/);
  expect(message.length).toBeGreaterThan(10);
  return message;
}

/** The message with which a promise is rejected, held to the same. */
export async function rejectionOf(
  kind: Parameters<typeof messageOf>[0],
  promise: Promise<unknown>,
): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  return messageOf(kind, () => {
    throw error;
  });
}
