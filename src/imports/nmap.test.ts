import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readText } from '../../test/read-import.ts';

const HEAD =
  '<?xml version="1.0"?>\n<!DOCTYPE nmaprun>\n<nmaprun scanner="nmap" start="1700000000">\n<scaninfo type="connect" protocol="tcp" numservices="3" services="1-3"/>\n';
const TAIL = '<runstats><finished time="1700000009" exit="success"/></runstats>\n</nmaprun>\n';
const host = (address: string, ports: string, status = 'state="up" reason="reset"') =>
  `<host starttime="1700000001" endtime="1700000002"><status ${status}/><address addr="${address}" addrtype="ipv4"/><ports>${ports}</ports></host>\n`;
const port = (id: string, state = 'open', more = '', protocol = 'tcp') =>
  `<port protocol="${protocol}" portid="${id}"><state state="${state}" reason="syn-ack"/>${more}</port>`;

async function read(xml: string) {
  const { observations, problems } = await readText('nmap', xml);
  return {
    hosts: observations.map((o) => o.host.name),
    open: observations.flatMap((o) => o.listeners.map((l) => `${l.address}:${l.port}/${l.transport}`)),
    covered: observations.map((o) => o.coverage.flatMap((c) => c.ports.map((r) => `${r.from}-${r.to}`)).join(' ')),
    gaps: observations.flatMap((o) => o.gaps.map((g) => g.code)),
    problems: problems.map((p) => `${p.line}: ${p.message}`),
    answers: observations.flatMap((o) => o.listeners.map((l) => l.answer)),
    observations,
  };
}

suite('nmap: states', () => {
  const cases = [
    { state: 'open', covered: '1-1', open: 1 },
    { state: 'closed', covered: '1-1', open: 0 },
    { state: 'filtered', covered: '1-1', open: 0 },
    { state: 'closed|filtered', covered: '1-1', open: 0 },
    { state: 'open|filtered', covered: '', open: 0 },
    { state: 'unfiltered', covered: '', open: 0 },
    { state: 'new-state', covered: '', open: 0 },
  ];
  for (const { state, covered, open } of cases)
    test(state, async () => {
      const found = await read(HEAD + host('10.0.0.1', port('1', state)) + TAIL);
      assert.deepEqual([found.covered, found.open.length, found.problems], [[covered], open, []]);
    });
});

suite('nmap: a service', () => {
  const cases = [
    {
      name: 'the usual name of a number is no answer',
      xml: '<service name="ssh" method="table" conf="3"/>',
      want: undefined,
    },
    {
      name: 'TLS around a service',
      xml: '<service name="http" product="nginx" tunnel="ssl" method="probed" conf="10"/>',
      want: { service: 'http', product: 'nginx', encryption: 'tls', by: 'nmap' },
    },
    {
      name: 'TLS around what is not recognised',
      xml: '<service name="https" tunnel="ssl" method="table" conf="3"/>',
      want: { encryption: 'tls', by: 'nmap' },
    },
    {
      name: 'a protocol with STARTTLS is not called clear',
      xml: '<service name="smtp" product="Postfix smtpd" method="probed" conf="10"/>',
      want: { service: 'smtp', product: 'Postfix smtpd', by: 'nmap' },
    },
    {
      name: 'control characters are left out',
      xml: '<service name="telnet" product="a&#x9b;31mb&#10;c" method="probed" conf="10"/>',
      want: { service: 'telnet', product: 'abc', encryption: 'none', by: 'nmap' },
    },
    {
      name: 'the application, where several CPEs are given',
      xml: '<service name="x11" method="probed" conf="10"><cpe>cpe:/o:linux:linux_kernel</cpe><cpe>cpe:/a:x.org:x11:1.2%2b3</cpe></service>',
      want: { service: 'x11', cpe: 'cpe:2.3:a:x.org:x11:1.2\\+3:*:*:*:*:*:*:*', by: 'nmap' },
    },
    {
      name: 'a certificate by its fields, where the PEM is cut',
      xml: '<script id="ssl-cert"><table key="subject"><elem key="commonName">db-1</elem></table><table key="validity"><elem key="notAfter">2026-01-02T03:04:05</elem></table><elem key="pem">-----BEGIN CERT</elem></script>',
      want: { tls: { subject: 'CN=db-1', notAfter: Date.UTC(2026, 0, 2, 3, 4, 5) }, by: 'nmap' },
    },
  ];
  for (const { name, xml, want } of cases)
    test(name, async () => {
      const { answers, problems } = await read(HEAD + host('10.0.0.1', port('1', 'open', xml)) + TAIL);
      assert.deepEqual([answers, problems], [[want], []]);
    });
});

test('nmap: an odd host is told and the others are read', async () => {
  const found = await read(
    HEAD +
      host('10.0.0.1', port('1')) +
      host('10.0.0.999', port('1')) +
      host('10.0.0.3', port('70000') + port('2') + port('2', 'closed') + port('3', 'open', '', 'icmp')) +
      host('::ffff:10.0.0.4', port('1')) +
      TAIL,
  );
  assert.deepEqual(found.open, ['10.0.0.1:1/tcp', '10.0.0.3:2/tcp', '10.0.0.4:1/tcp']);
  assert.deepEqual(found.problems, [
    '6: "10.0.0.999" is no address',
    '6: this host has no address',
    '7: "70000/tcp" is no port',
    '7: port 2/tcp is listed twice: the first one counts',
    '7: "3/icmp" is no port',
  ]);
});

test('nmap: hosts that were not looked at close nothing', async () => {
  const found = await read(
    HEAD +
      host('10.0.0.1', '', 'state="down" reason="no-response"') +
      host('10.0.0.2', '', 'state="skipped" reason="user-set"') +
      `<host timedout="true"><status state="up" reason="reset"/><address addr="10.0.0.3" addrtype="ipv4"/></host>` +
      host('10.0.0.4', port('1', 'filtered').replace('syn-ack', 'no-response'), 'state="up" reason="user-set"') +
      TAIL,
  );
  assert.deepEqual(found.gaps, ['host-silent', 'host-skipped', 'host-timed-out', 'host-silent']);
  assert.deepEqual(found.covered, ['', '', '', '']);
});

suite('nmap: hostile and broken files', () => {
  const good = host('10.0.0.1', port('1'));
  const bomb = `<?xml version="1.0"?><!DOCTYPE nmaprun [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 20 }, (_, i) => `<!ENTITY b${i} "${'&a;'.repeat(10)}">`).join('')}<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun>`;

  test('entities are not expanded and nothing is fetched', async () => {
    const { observations, problems } = await readText(
      'nmap',
      bomb + host('10.0.0.1', port('1', 'open', '<service name="ftp" product="&b19;&x;" method="probed"/>')) + TAIL,
    );
    assert.equal(observations[0]?.listeners[0]?.answer?.product, '&b19;&x;');
    assert.deepEqual(
      problems.map((p) => p.message),
      ['this is no well-formed XML: undefined entity.', 'this is no well-formed XML: undefined entity.'],
    );
  });

  test('10,000 elements inside each other', async () => {
    const found = await read(HEAD + good + '<a>'.repeat(10_000) + good + TAIL);
    assert.deepEqual(found.hosts, ['10.0.0.1']);
    assert.match(found.problems.join('\n'), /nested deeper than 64 levels/);
  });

  test('a tag that does not end', async () => {
    const found = await read(`${HEAD}${good}<host a="${'x'.repeat(20_000_000)}`);
    assert.deepEqual(found.hosts, ['10.0.0.1']);
    assert.match(found.problems.join('\n'), /longer than 16777216 characters/);
  });

  test('a host that is not well-formed is dropped, the next one is read', async () => {
    const found = await read(
      HEAD + good + host('10.0.0.2', '<port protocol="tcp" portid=1"></port>') + host('10.0.0.3', port('1')) + TAIL,
    );
    assert.deepEqual(found.hosts, ['10.0.0.1', '10.0.0.3']);
    assert.match(found.problems.join('\n'), /this host is not well-formed/);
  });

  test('two files in one', async () => {
    const found = await read(HEAD + good + TAIL + HEAD + host('10.0.0.2', port('1')) + TAIL);
    assert.deepEqual(found.hosts, ['10.0.0.1', '10.0.0.2']);
    assert.ok(found.problems.length > 0);
  });

  test('a scan that was killed', async () => {
    const found = await read(HEAD + good + host('10.0.0.2', port('1')).slice(0, -20));
    assert.deepEqual(found.hosts, ['10.0.0.1']);
    assert.deepEqual(found.problems, [
      '6: the file ends inside this host, so nothing of it counts: the scan or the file was cut off',
    ]);
    const behind = await read(HEAD + good);
    assert.match(behind.problems.join(), /^5: the file ends without the summary of nmap/);
  });

  test('nothing of XML in it', async () => {
    const found = await read('hello\0world');
    assert.deepEqual(found.hosts, []);
    assert.ok(found.problems.length > 0);
  });
});
