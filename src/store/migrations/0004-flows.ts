/** The manifest of flow parts, feeds and what they cover. */
export const flows: readonly string[] = [];
