/** Does work on what arrives, one after the other. */
export class Queue {
  /**
   * @param {(item: any) => Promise<void>} work
   * @param {(error: Error) => void} fail is called if the work on an item fails; the next one follows
   */
  constructor(work, fail) {
    Object.assign(this, { work, fail, waiting: 0, done: Promise.resolve() });
  }

  /** Take an item; the promise is kept when its turn is over. */
  push(item) {
    this.waiting += 1;
    this.done = this.done
      .then(() => this.work(item))
      .catch(this.fail)
      .finally(() => (this.waiting -= 1));
    return this.done;
  }
}
