/**
 * Lets V8's space for young objects grow no further. It doubles with whatever survives, up to twice 16 MB, and never
 * gives that back; for work that is repeated every few seconds, what the first time took is enough. V8 reads this flag
 * whenever it is about to grow the space (src/heap/heap.cc), so that it may be set late, unlike --max-semi-space-size.
 */
export function stopYoungGenerationGrowth(): void {
  // loaded here, as a single snapshot does without it
  process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1');
}
