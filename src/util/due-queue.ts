/** Things to do at a time, the earliest first; those of one time in the order in which they were added. */
export interface DueQueue<T> {
  readonly add: (due: number, item: T) => void;
  /** Takes the earliest that is due at `now` or before; undefined where none is. */
  readonly take: (now: number) => { readonly due: number; readonly item: T } | undefined;
  /** Drops everything else: what is not wanted any more would wait, and keep what it names, until it is due. */
  readonly keepOnly: (isWanted: (item: T, due: number) => boolean) => void;
  readonly size: () => number;
}

interface Waiting<T> {
  readonly due: number;
  readonly order: number;
  readonly item: T;
}

/** A binary heap: adding and taking cost the logarithm of what waits. */
export function createDueQueue<T>(): DueQueue<T> {
  const heap: Waiting<T>[] = [];
  let added = 0;
  const isBefore = (a: Waiting<T>, b: Waiting<T>) => a.due < b.due || (a.due === b.due && a.order < b.order);
  const at = (i: number) => heap[i] as Waiting<T>;
  const swap = (i: number, j: number) => {
    const kept = at(i);
    heap[i] = at(j);
    heap[j] = kept;
  };
  return {
    add: (due, item) => {
      let i = heap.push({ due, order: added++, item }) - 1;
      for (let up = (i - 1) >> 1; i > 0 && isBefore(at(i), at(up)); up = (i - 1) >> 1) {
        swap(i, up);
        i = up;
      }
    },
    take: (now) => {
      const first = heap[0];
      if (first === undefined || first.due > now) return undefined;
      const last = heap.pop() as Waiting<T>;
      if (heap.length > 0) heap[0] = last;
      for (let i = 0; ; ) {
        let least = i;
        for (const child of [2 * i + 1, 2 * i + 2])
          if (child < heap.length && isBefore(at(child), at(least))) least = child;
        if (least === i) break;
        swap(i, least);
        i = least;
      }
      return first;
    },
    keepOnly: (isWanted) => {
      const kept = heap.filter(({ item, due }) => isWanted(item, due));
      // Sorted is one of the orders that a heap may have.
      kept.sort((a, b) => a.due - b.due || a.order - b.order);
      heap.length = 0;
      for (const waiting of kept) heap.push(waiting);
    },
    size: () => heap.length,
  };
}
