/** Names of users by uid from the text of a passwd(5) file. The first name of a uid wins, as getpwuid(3) does. */
export function parsePasswd(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , uid] = line.split(':');
    if (name === undefined || uid === undefined || !/^[^\s:#+-][^\s:]{0,255}$/.test(name) || !/^\d{1,10}$/.test(uid))
      continue;
    const number = Number(uid);
    if (!names.has(number)) names.set(number, name);
  }
  return names;
}

/**
 * The uid as a user namespace sees it, from the text of its uid_map (user_namespaces(7): inside, outside, count).
 * `undefined`: the namespace has no such user.
 */
export function uidInside(uidMap: string, uid: number): number | undefined {
  for (const line of uidMap.split('\n')) {
    const match = /^\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*$/.exec(line);
    if (!match) continue;
    const [inside, outside, count] = match.slice(1).map(Number) as [number, number, number];
    if (uid >= outside && uid < outside + count) return inside + (uid - outside);
  }
  return undefined;
}
