/** What a value of a JSON record is. */
export const JSON_KIND = { missing: 0, text: 1, number: 2, true: 3, false: 4, null: 5, object: 6, array: 7 } as const;
