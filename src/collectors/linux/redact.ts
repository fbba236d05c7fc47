/** Takes the place of a secret. */
export const REDACTED = '[redacted]';

/** Longest command line that is kept, in characters; the rest is cut with an ellipsis. */
const MAX_LENGTH = 1024;

/** Words in a name that mark its value as secret. */
const SECRET_NAME =
  /(?:^|[-_.])(?:pass|passwd|password|passphrase|passcode|pwd|secret|secrets|token|tokens|api-?key|apikey|api_key|access-?key|access_key|private-?key|private_key|secret-?key|secret_key|credential|credentials|auth|authorization|bearer|cookie|session-?key|signing-?key|encryption-?key|jwt|psk|pin|requirepass|masterauth|sasl|dsn|connection-?string)(?:$|[-_.\d])/i;

/** Names that look secret and name a place or a method, not the secret itself. */
const HARMLESS_NAME =
  /(?:[-_.](?:file|path|dir|directory|type|method|mode|provider|url|uri|ttl|length|id|name|env|store|socket|hook|timeout|expiry|format|policy)s?$)|^(?:no|disable|enable)[-_]/i;

/** Short options that carry a secret, by program: `-pSECRET` and `-p SECRET`. */
const SHORT_OPTIONS: ReadonlyArray<{
  readonly program: RegExp;
  readonly options: readonly string[];
  readonly attached: boolean;
}> = [
  {
    program: /^(?:mysql|mysqld|mysqldump|mysqladmin|mariadb|mariadb-dump|mariadb-admin)$/,
    options: ['-p'],
    attached: true,
  },
  { program: /^sshpass$/, options: ['-p'], attached: true },
  { program: /^redis-cli$/, options: ['-a'], attached: false },
  { program: /^(?:curl)$/, options: ['-u', '-U'], attached: true },
  { program: /^(?:ldapsearch|ldapmodify|ldapadd|ldapdelete)$/, options: ['-w'], attached: true },
  { program: /^(?:mongo|mongosh|mongod|mongodump)$/, options: ['-p'], attached: false },
  { program: /^(?:smbclient)$/, options: ['-U'], attached: false },
  { program: /^(?:sqlcmd|bcp)$/, options: ['-P'], attached: true },
  { program: /^(?:docker|podman|helm)$/, options: ['-p'], attached: false },
];
/** `docker run -p 80:80` publishes a port: there `-p` is a secret only when logging in. */
const NEEDS_LOGIN = /^(?:docker|podman|helm)$/;

/** Secrets that show by their own form, wherever they stand. */
const SHAPES: ReadonlyArray<{ readonly pattern: RegExp; readonly to: string }> = [
  {
    pattern: /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g,
    to: REDACTED,
  },
  // scheme://user:password@host; the password may hold anything but a blank, a slash and another @ of the host
  { pattern: /\b([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@]{0,256}:)[^\s/]{1,1024}@/gi, to: `$1${REDACTED}@` },
  { pattern: /\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g, to: REDACTED }, // JSON Web Token
  { pattern: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, to: REDACTED }, // AWS access key id
  { pattern: /\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}/g, to: REDACTED },
  {
    pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bsk-[A-Za-z0-9_-]{20,}|\bAIza[\w-]{30,}|\bhv[sb]\.[\w-]{20,}/g,
    to: REDACTED,
  },
  { pattern: /\b(bearer|basic)(\s+|%20)[\w.~+/=-]{8,}/gi, to: `$1$2${REDACTED}` },
  // key=value and key: value inside a longer argument (query strings, DSNs, JSON)
  {
    pattern:
      /((?:^|[\s&?;,{"'])[\w.-]{0,40}(?:password|passwd|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|credential)[\w]{0,8}["']?\s*[=:]\s*["']?)(?!\[redacted\])[^\s&;,"'}]{1,2048}/gi,
    to: `$1${REDACTED}`,
  },
];

/**
 * Command line for people: the arguments joined by blanks, secrets replaced by `[redacted]`, control characters by
 * blanks, at most 1,024 characters. Recognised: options and assignments with a secret's name (`--password=x`,
 * `--token x`, `API_KEY=x`), short options of well-known programs, passwords in URLs, and forms that betray themselves
 * (AWS and GitHub keys, JSON Web Tokens, private keys). A secret in no such form stays: it cannot be told apart.
 */
export function redactCommandLine(args: readonly string[]): string {
  const out: string[] = [];
  const program = (args[0] ?? '').split('/').at(-1) ?? '';
  let secretNext = false;
  let length = 0;
  for (const arg of args) {
    if (length > 4 * MAX_LENGTH) break;
    const shown =
      secretNext && !(arg.startsWith('--') && arg.length > 2) ? REDACTED : redactArgument(arg, program, args);
    secretNext = !secretNext || arg.startsWith('--') ? expectsSecret(arg, program, args) : false;
    out.push(shown);
    length += shown.length + 1;
  }
  // control characters and changes of writing direction must not reach a terminal
  const text = redactShapes(out.join(' '))
    .replace(/[\p{Cc}\p{Bidi_Control}\s]+/gu, ' ')
    .trim();
  return text.length > MAX_LENGTH ? `${cut(text)}…` : text;
}

/** Cuts without splitting a surrogate pair. */
function cut(text: string): string {
  return text
    .slice(0, MAX_LENGTH - 1)
    .toWellFormed()
    .replace(/\ufffd$/, '');
}

function redactShapes(text: string): string {
  let out = text;
  for (const { pattern, to } of SHAPES) out = out.replace(pattern, to);
  return out;
}

function isSecretName(name: string): boolean {
  // PGPASSWORD, dbPassword: the word is glued to what stands before it
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2');
  return (
    (SECRET_NAME.test(spaced) || /(?:password|passwd|passphrase|secret|token|apikey)$/i.test(name)) &&
    !HARMLESS_NAME.test(spaced)
  );
}

function redactArgument(arg: string, program: string, args: readonly string[]): string {
  const assignment = /^((?:-{1,2}|\/)?)([A-Za-z][\w.-]{0,80})([=:])([\s\S]+)$/.exec(arg);
  if (assignment && isSecretName(assignment[2] as string))
    return `${assignment[1]}${assignment[2]}${assignment[3]}${REDACTED}`;
  for (const { program: pattern, options, attached } of SHORT_OPTIONS) {
    if (!attached || !pattern.test(program)) continue;
    for (const option of options)
      if (arg.startsWith(option) && arg.length > option.length && !isLoginNeeded(program, args))
        return `${option}${REDACTED}`;
  }
  return arg;
}

/** Says whether the argument after this one is a secret. */
function expectsSecret(arg: string, program: string, args: readonly string[]): boolean {
  const long = /^-{1,2}([A-Za-z][\w.-]{1,80})$/.exec(arg);
  if (long && isSecretName(long[1] as string)) return true;
  return SHORT_OPTIONS.some(
    (known) => known.program.test(program) && known.options.includes(arg) && !isLoginNeeded(program, args),
  );
}

function isLoginNeeded(program: string, args: readonly string[]): boolean {
  return NEEDS_LOGIN.test(program) && !args.includes('login');
}
