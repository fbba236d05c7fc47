import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { checkpointText, parseCheckpoint, parseCheckpoints } from './checkpoint.ts';
import { leafHash } from './hash.ts';
import { ledgerKey, parseFingerprint, verifierKey } from './key.ts';
import { parseNote, signedBy, signNote } from './note.ts';

/** Of the tests of golang.org/x/mod/sumdb/note (note_test.go, BSD-3-Clause): a key and what it signed. */
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const PETERS_NOTE = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;
/** The example of c2sp.org/tlog-checkpoint. */
const EXAMPLE = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;
const peter = () => {
  const raw = Buffer.from(PETER.split('+').slice(2).join('+'), 'base64').subarray(1);
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]);
  return ledgerKey('PeterNeumann', spki.toString('base64'));
};

test('the published note verifies under the published key, and its key is written the same', () => {
  const note = parseNote(PETERS_NOTE);
  assert.ok(note);
  assert.equal(signedBy(note, peter()), 'yes');
  assert.equal(verifierKey(peter()), PETER);
  assert.equal(signedBy({ ...note, text: note.text.replace('answer', 'Answer') }, peter()), 'wrong');
  assert.equal(signedBy(note, ledgerKey('PeterNeuman', peter().spki)), 'no');
});

test('the example of the specification is read', () => {
  const checkpoint = parseCheckpoint(EXAMPLE);
  assert.deepEqual([checkpoint?.origin, checkpoint?.size], ['example.com/behind-the-sofa', 20852163]);
  assert.equal(checkpointText('example.com/behind-the-sofa', 20852163, checkpoint?.root ?? ''), checkpoint?.note.text);
});

const kinds = [
  { kind: 'ed25519', pair: () => generateKeyPairSync('ed25519') },
  { kind: 'ecdsa-p256', pair: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }) },
] as const;
for (const { kind, pair } of kinds)
  test(`a checkpoint signed with ${kind} verifies, and no other does`, () => {
    const { publicKey, privateKey } = pair();
    const key = ledgerKey('quietdoor/x', publicKey);
    assert.equal(key.kind, kind);
    const signed = signNote(checkpointText('quietdoor/x', 7, leafHash('a')), [{ key, secret: privateKey }]);
    const checkpoint = parseCheckpoint(signed);
    assert.ok(checkpoint);
    assert.equal(signedBy(checkpoint.note, key), 'yes');
    const grown = parseCheckpoint(signed.replace('\n7\n', '\n8\n'));
    assert.ok(grown);
    assert.equal(signedBy(grown.note, key), 'wrong');
    assert.equal(signedBy(checkpoint.note, ledgerKey('quietdoor/x', pair().publicKey)), 'no');
    assert.deepEqual(ledgerKey('quietdoor/x', key.spki).id, key.id);
  });

describe('what is no checkpoint is refused', () => {
  const cases: Record<string, string> = {
    nothing: '',
    'no signature': EXAMPLE.split('\n\n')[0] ?? '',
    'a leading zero': EXAMPLE.replace('\n20852163', '\n020852163'),
    'a negative size': EXAMPLE.replace('\n20852163', '\n-1'),
    'a size beyond 2^53': EXAMPLE.replace('\n20852163', '\n9007199254740993'),
    'a short root': EXAMPLE.replace('CsUYapGG', 'CsUY'),
    'a root in another alphabet': EXAMPLE.replace('om/Xajj', 'om_Xajj'),
    'a control character': EXAMPLE.replace('sofa\n', 'sofa\u0007\n'),
    'a carriage return': EXAMPLE.replaceAll('\n', '\r\n'),
    'a hyphen for the dash': EXAMPLE.replace('— ', '- '),
    'no line feed at the end': EXAMPLE.slice(0, -1),
    'a name with a plus': EXAMPLE.replace('— example', '— ex+ample'),
    'too many signatures':
      `${EXAMPLE}${EXAMPLE.split('\n').at(-2)}\n`.repeat(1) + `${EXAMPLE.split('\n').at(-2)}\n`.repeat(200),
  };
  for (const [name, text] of Object.entries(cases)) test(name, () => assert.equal(parseCheckpoint(text), undefined));
});

test('checkpoints one after the other are read, and what lies between is counted', () => {
  const { checkpoints, unread } = parseCheckpoints(`${EXAMPLE}\n${EXAMPLE}rubbish\n\n— x\n${EXAMPLE}cut off\n3`);
  assert.deepEqual([checkpoints.map((c) => c.size), unread], [[20852163, 20852163, 20852163], 2]);
  assert.deepEqual(parseCheckpoints(''), { checkpoints: [], unread: 0 });
});

test('fingerprints are taken as people paste them', () => {
  const hex = 'ab'.repeat(32);
  for (const text of [hex, `sha256:${hex}`, ` SHA256:${hex.toUpperCase()} `, 'AB:'.repeat(32).slice(0, -1)])
    assert.equal(parseFingerprint(text), `sha256:${hex}`);
  for (const text of ['', hex.slice(1), `${hex}0`, `md5:${hex}`]) assert.equal(parseFingerprint(text), undefined);
});
