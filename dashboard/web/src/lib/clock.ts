// The platform's clock as seen from here, so that ages are right on a
// computer whose own clock is wrong.

const WINDOW = 60; // frames that the least difference is taken from
const TRUSTED_MS = 2_000; // differences up to this are the way, not the clock

export class ServerClock {
  #differences: number[] = [];

  /** Notes a frame stamped `at` by the platform that arrived at `now` here. */
  note(at: number, now: number): void {
    if (!Number.isFinite(at)) return;
    this.#differences.push(now - at);
    if (this.#differences.length > WINDOW) this.#differences.shift();
  }

  /**
   * How far this computer's clock is ahead of the platform's, in milliseconds;
   * 0 while the difference may be delay alone.
   */
  get ahead(): number {
    if (this.#differences.length === 0) return 0;
    const least = Math.min(...this.#differences);
    return least >= 0 && least <= TRUSTED_MS ? 0 : least;
  }

  /** The platform's time at `now` here. */
  at(now: number): number {
    return now - this.ahead;
  }
}
