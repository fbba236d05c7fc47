/**
 * Turns what one process or container is called today into what it will be called after the next update or restart, so
 * that a draft stays true: version numbers and generated name parts become `*`.
 */

/** Parts of a path that are only a version become `*`: the `15` of `/usr/lib/postgresql/15/bin/postgres`. */
export function patternOfExe(exe: string): string {
  const parts = exe.split('/');
  return parts.map((part, i) => (i < parts.length - 1 && /^v?\d+(\.\d+)*$/.test(part) ? '*' : part)).join('/');
}

/** `postgresql@15-main.service` → `postgresql@*.service`; null for units that live as long as a login or a container. */
export function patternOfUnit(unit: string): string | null {
  if (unit.endsWith('.scope') || /^(user|user-runtime-dir)@/.test(unit) || /^run-/.test(unit)) return null;
  return unit.replace(/@[^.]*\.(\w+)$/, '@*.$1');
}

/** Kubernetes takes the letters of generated names from this alphabet (apimachinery, util/rand): no vowels, no 0, 1, 3. */
const SUFFIX = '[bcdfghjklmnpqrstvwxz2456789]{5}';
const POD_TAILS = [new RegExp(`-[bcdfghjklmnpqrstvwxz2456789]{8,10}-${SUFFIX}$`), new RegExp(`-${SUFFIX}$`), /-\d+$/];

/**
 * Pattern of a scope: `pod:shop/web-7d4b9c6f5d-x2x9k` → `pod:shop/web-*` (Deployment, DaemonSet, StatefulSet),
 * `container:orders-web-2` → `container:orders-web-*` (replicas of Compose). A scan from outside cannot tell the scope: any.
 */
export function patternOfScope(scope: string): string {
  if (scope === 'unknown') return 'any';
  if (scope.startsWith('pod:')) {
    const tail = POD_TAILS.find((t) => t.test(scope));
    return tail ? scope.replace(tail, '-*') : scope;
  }
  if (scope.startsWith('container:')) return scope.replace(/([-_])\d{1,4}$/, '$1*');
  return scope;
}

/** A word that may stand in an id: lower case, letters, digits, dots, dashes. */
export function slug(text: string): string {
  const word = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '');
  return word.slice(0, 40) || 'port';
}
