/** Pseudo-random numbers that are the same everywhere (sfc32), by seeds. */
export interface Random {
  /** [0, 1). */
  next(): number;
  /** Whole number of [low, high]. */
  whole(low: number, high: number): number;
  between(low: number, high: number): number;
  pick<T>(items: readonly T[]): T;
  chance(p: number): boolean;
  normal(): number;
  poisson(mean: number): number;
  gamma(shape: number): number;
  /** Pareto from `least`. */
  pareto(alpha: number, least: number): number;
}

export function randomOf(...seeds: readonly number[]): Random {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 1];
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4_294_967_296;
  };
  for (const seed of seeds) {
    a ^= seed;
    b ^= Math.imul(seed, 0x85ebca6b);
    for (let i = 0; i < 15; i++) next();
  }
  const between = (low: number, high: number) => low + (high - low) * next();
  const whole = (low: number, high: number) => Math.floor(between(low, high + 1));
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const gamma = (shape: number): number => {
    if (shape < 1) return gamma(shape + 1) * (1 - next()) ** (1 / shape);
    const e = shape - 1 / 3;
    const f = 1 / Math.sqrt(9 * e);
    for (;;) {
      const x = normal();
      const v = (1 + f * x) ** 3;
      if (v > 0 && Math.log(1 - next()) < 0.5 * x * x + e - e * v + e * Math.log(v)) return e * v;
    }
  };
  const poisson = (mean: number) => {
    if (mean <= 0) return 0;
    if (mean > 40) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
    let n = 0;
    for (let p = 1 - next(), limit = Math.exp(-mean); p > limit; p *= 1 - next()) n++;
    return n;
  };
  return {
    ...{ next, between, whole, normal, gamma, poisson },
    pick: (items) => items[whole(0, items.length - 1)] as never,
    chance: (p) => next() < p,
    pareto: (alpha, least) => least * (1 - next()) ** (-1 / alpha),
  };
}
