/** Waits for both also where one fails: nothing is under way any more when the error goes on. */
export async function both<A, B>(
  a: Promise<A>,
  b: Promise<B> | undefined,
): Promise<[A, B | undefined]> {
  await Promise.allSettled([a, b])
  return Promise.all([a, b])
}
