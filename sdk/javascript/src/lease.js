// A lease that is renewed as long as work goes on.

import { setTimeout as sleep } from 'node:timers/promises';

import { GatehouseError, LeaseLost, NotFound, PermissionDenied } from './errors.js';

/**
 * Renews at each third of the lease until `work` has ended.
 * @template T
 * @param {() => Promise<number>} renew answers for how many milliseconds it is good
 * @param {number} leaseMs
 * @param {AbortController} lost aborted when the lease is somebody else's
 * @param {(text: string) => void} log
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function keepLease(renew, leaseMs, lost, log, work) {
  const ended = new AbortController();
  const keeping = (async () => {
    for (let good = leaseMs; ;) {
      await sleep(Math.max(50, good / 3), undefined, { signal: ended.signal });
      try {
        good = await renew();
      } catch (problem) {
        if (!(problem instanceof GatehouseError)) throw problem;
        log(`a lease was not renewed: ${problem.message}`);
        if (problem instanceof LeaseLost || problem instanceof PermissionDenied || problem instanceof NotFound) {
          lost.abort(problem);
          return;
        }
      }
    }
  })().catch((problem) => {
    if (!ended.signal.aborted) log(`a lease is kept no more: ${problem}`);
  });
  try {
    return await work();
  } finally {
    ended.abort();
    await Promise.race([keeping, sleep(5000, undefined, { ref: false })]); // a renewal that is under way may end after the work
  }
}
