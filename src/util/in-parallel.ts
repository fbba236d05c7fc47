/**
 * Passes on what `work` makes of each item, as it is done, with at most `limit` at a time. An item is taken from the source
 * when there is room for it. The first failure ends it.
 */
export async function* inParallel<T, R>(
  source: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  type Step = { readonly kind: 'done'; readonly value: R; readonly self: Promise<Step> } | { readonly kind: 'source' };
  const iterator = source[Symbol.asyncIterator]();
  const running = new Set<Promise<Step>>();
  let next: Promise<IteratorResult<T>> | undefined;
  let step: Promise<Step> | undefined;
  let ended = false;
  try {
    for (;;) {
      if (!ended && step === undefined && running.size < limit) {
        next = iterator.next();
        step = next.then(() => ({ kind: 'source' }));
      }
      if (step === undefined && running.size === 0) return;
      const finished: Step = await Promise.race(step === undefined ? running : [step, ...running]);
      if (finished.kind === 'done') {
        running.delete(finished.self);
        yield finished.value;
        continue;
      }
      const item = (await next) as IteratorResult<T>;
      step = undefined;
      if (item.done) ended = true;
      else {
        const self: Promise<Step> = work(item.value).then((value) => ({ kind: 'done', value, self }));
        running.add(self);
      }
    }
  } finally {
    for (const promise of running) promise.catch(() => {});
    if (!ended) await iterator.return?.();
  }
}
