/**
 * Returns a CPE 2.2 URI (`cpe:/a:openbsd:openssh:9.2p1`) as a CPE 2.3 formatted string, or null where it is none. NIST IR
 * 7695, 6.1.2.2 and 6.2.2.
 */
export function cpeFromUri(uri: string): string | null {
  const known = recent.get(uri);
  if (known !== undefined) return known;
  const name = convert(uri);
  if (recent.size >= MAX_RECENT) recent.clear();
  recent.set(uri, name);
  return name;
}

/** Hosts of a scan run the same products. */
const recent = new Map<string, string | null>();
const MAX_RECENT = 256;

function convert(uri: string): string | null {
  const found = /^cpe:\/([aho])((?::[^:\s]{0,200}){0,6})$/i.exec(uri);
  if (!found) return null;
  const [part, rest] = [found[1] as string, found[2] as string];
  const [vendor = '', product = '', version = '', update = '', edition = '', language = ''] = rest.slice(1).split(':');
  // An edition that begins with a tilde packs five attributes: edition, sw_edition, target_sw, target_hw, other.
  const packed = edition.startsWith('~') ? edition.slice(1).split('~') : [edition];
  const [plain = '', softwareEdition = '', targetSoftware = '', targetHardware = '', other = ''] = packed;
  const values = [vendor, product, version, update, plain, language];
  const bound = [...values, softwareEdition, targetSoftware, targetHardware, other].map(bind);
  return bound.includes(null) ? null : ['cpe:2.3', part.toLowerCase(), ...bound].join(':');
}

/** A component: percent-decoded, and with a backslash before what is not a letter, digit, `_`, `-` or `.`. */
function bind(component: string): string | null {
  if (component === '') return '*';
  if (component === '-') return '-';
  let text: string;
  try {
    text = decodeURIComponent(component.replaceAll(/%0[12]/g, (code) => (code === '%01' ? '%3f' : '%2a')));
  } catch {
    return null;
  }
  return /^[\x21-\x7e]+$/.test(text) ? text.toLowerCase().replaceAll(/[^a-z0-9_.-]/g, '\\$&') : null;
}
