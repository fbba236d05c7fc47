/** Numbers 0 to n-1 in disjoint sets that can be joined (Tarjan's union-find, with path halving). */
export interface Partition {
  /** Smallest member of the set. */
  find(member: number): number;
  join(a: number, b: number): void;
}

export function newPartition(size: number): Partition {
  const parent = Int32Array.from({ length: size }, (_, i) => i);
  function find(member: number): number {
    let at = member;
    for (let up = parent[at] as number; up !== at; up = parent[at] as number) {
      const above = parent[up] as number;
      parent[at] = above;
      at = above;
    }
    return at;
  }
  return {
    find,
    join(a, b) {
      const [low, high] = [find(a), find(b)].sort((x, y) => x - y) as [number, number];
      parent[high] = low;
    },
  };
}
