/** Incidents, what was delivered of them, and maintenance windows. */
export const alerts: readonly string[] = [];
