/** Python, standard library only: checks an export with nothing of ours. Shipped in every export. */
export const VERIFY_PY = `#!/usr/bin/env python3
"""Verifies this export: python3 verify.py [sha256:FINGERPRINT]. Needs the programs zstd and openssl (3 or later)."""
import base64, hashlib, json, re, subprocess, sys, tempfile

def sha256(data):
    return hashlib.sha256(data).digest()

def append(stack, level, node):
    # Two subtrees of the same height become one: SHA-256(0x01, left, right).
    while stack and stack[-1][0] == level:
        node = sha256(b"\\x01" + stack.pop()[1] + node)
        level += 1
    stack.append((level, node))

def root_of(stack):
    node = stack[-1][1]
    for _, left in reversed(stack[:-1]):
        node = sha256(b"\\x01" + left + node)
    return node

def is_signed(text, signature, der):
    how = ["-rawin"] if len(der) == 44 else ["-rawin", "-digest", "sha256"]  # Ed25519, else ECDSA P-256
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("text", text.encode()), ("signature", signature), ("key", der)):
            open(folder + "/" + name, "wb").write(data)
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", folder + "/key", *how,
                               "-in", folder + "/text", "-sigfile", folder + "/signature"], capture_output=True).returncode == 0

manifest = json.load(open("manifest.json", encoding="utf-8"))
stack, sequence = [], manifest["first"]
for node in manifest["left"]:
    append(stack, node["level"], base64.b64decode(node["hash"]))
for entry in manifest["files"]:
    name = entry["name"]
    if not re.fullmatch(r"records-\\d{12}\\.jsonl\\.zst", name):
        sys.exit("FAILED: the manifest names a file " + name)
    if hashlib.sha256(open(name, "rb").read()).hexdigest() != entry["sha256"]:
        sys.exit("FAILED: " + name + " has another SHA-256 than the manifest says")
    lines = subprocess.Popen(["zstd", "-dc", name], stdout=subprocess.PIPE)
    for line in lines.stdout:
        record = line.rstrip(b"\\n")
        if json.loads(record)["sequence"] != sequence:
            sys.exit("FAILED: record %d is missing or out of order" % sequence)
        append(stack, 0, sha256(b"\\x00" + record))
        sequence += 1
    if lines.wait() != 0:
        sys.exit("FAILED: " + name + " cannot be decompressed")
if sequence != manifest["last"] + 1:
    sys.exit("FAILED: the records end before %d" % manifest["last"])
for node in manifest["right"]:
    append(stack, node["level"], base64.b64decode(node["hash"]))

note = open("checkpoint.txt", encoding="utf-8").read()
text, signatures = note[: note.rindex("\\n\\n") + 1], note[note.rindex("\\n\\n") + 2 :]
origin, size, root = text.split("\\n")[:3]
if base64.b64decode(root) != root_of(stack):
    sys.exit("FAILED: the records do not lead to the root that was signed")
der = subprocess.run(["openssl", "pkey", "-pubin", "-in", "public-key.pem", "-outform", "DER"], capture_output=True, check=True).stdout
fingerprint = "sha256:" + hashlib.sha256(der).hexdigest()
if not is_signed(text, base64.b64decode(signatures.split("\\n")[0].split(" ")[2])[4:], der):
    sys.exit("FAILED: the checkpoint is not signed by public-key.pem")
print("records %d to %d lead to the checkpoint of %s records of %s" % (manifest["first"], manifest["last"], size, origin))
print("signed with " + fingerprint)
if len(sys.argv) < 2:
    print("internally consistent only: compare the fingerprint, and the checkpoint, with what was kept elsewhere")
else:
    # A key that was replaced since signed for the one after it.
    trusted, keys = sys.argv[1], {}
    for body in (json.loads(entry["record"])["body"] for entry in sorted(manifest["keys"], key=lambda e: e["sequence"])):
        key = base64.b64decode(body["publicKey"])
        following = "sha256:" + hashlib.sha256(key).hexdigest()
        handover = "quietdoor ledger key rotation\\n%s\\n%s\\n%s\\n" % (origin, trusted, following)
        if trusted in keys and is_signed(handover, base64.b64decode(body.get("signature", "")), keys[trusted]):
            print(trusted + " signed for " + following)
            trusted = following
        keys[following] = key
    if trusted != fingerprint:
        sys.exit("FAILED: that is another key than " + trusted)
`;

/** The README of an export. */
export function exportReadme(o: {
  readonly origin: string;
  readonly first: number;
  readonly last: number;
  readonly size: number;
  readonly fingerprint: string;
}): string {
  return `# Records ${o.first} to ${o.last} of a ledger

Ledger \`${o.origin}\`, proven under its checkpoint of ${o.size} records, signed with the key
\`${o.fingerprint}\`.

Ask for the fingerprint, and for a checkpoint that was kept elsewhere, on another way than this folder came. Without them
this folder can only show that it is consistent in itself.

| file | what |
|---|---|
| \`records-*.jsonl.zst\` | one record a line, canonical JSON (RFC 8785), zstd |
| \`manifest.json\` | SHA-256 of each file, and the hashes that lead from these records to the root |
| \`checkpoint.txt\` | size and root of the tree, signed (c2sp.org/tlog-checkpoint) |
| \`checkpoints.txt\` | checkpoints that were signed on the way |
| \`public-key.pem\` | the key that signed |
| \`verify.py\` | does all of the below; one short file, standard library of Python only |

## Verify without Quietdoor

\`\`\`
python3 verify.py ${o.fingerprint}
\`\`\`

Or step by step. The files are those of the manifest:

\`\`\`
sha256sum records-*.jsonl.zst                     # compare with "sha256" in manifest.json
zstd -dc records-*.jsonl.zst | wc -l              # ${o.last - o.first + 1}
\`\`\`

The key is the one that you were told (or, where that was replaced since, one that it signed for; \`verify.py\` follows that):

\`\`\`
openssl pkey -pubin -in public-key.pem -outform DER | sha256sum
\`\`\`

The checkpoint is signed by it (OpenSSL 3; the signature follows four bytes that name the key; for a P-256 key add
\`-digest sha256\`):

\`\`\`
head -n 3 checkpoint.txt > signed.txt
tail -n 1 checkpoint.txt | cut -d ' ' -f 3 | base64 -d | tail -c +5 > signature.bin
openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in signed.txt -sigfile signature.bin
\`\`\`

The records lead to the third line of it: the hash of a record is SHA-256 of a zero byte and its line (without the line
feed), that of two subtrees is SHA-256 of a byte 1 and both hashes (RFC 9162, 2.1.1). \`left\` and \`right\` in the manifest stand
for the records before and after these. \`verify.py\` computes it.

Of a checkpoint that was kept elsewhere, compare the second and third line with \`checkpoints.txt\`; or
\`quietdoor ledger verify --export . --key FINGERPRINT --witnessed FILE\`.
`;
}
