import { amqp } from './amqp.ts';
import { cassandra } from './cassandra.ts';
import { dns } from './dns.ts';
import { docker } from './docker.ts';
import { elasticsearch } from './elasticsearch.ts';
import { etcd } from './etcd.ts';
import { ftp } from './ftp.ts';
import { http } from './http.ts';
import { imap } from './imap.ts';
import { kafka } from './kafka.ts';
import { kubernetes } from './kubernetes.ts';
import { ldap } from './ldap.ts';
import { memcached } from './memcached.ts';
import { mongodb } from './mongodb.ts';
import { mqtt } from './mqtt.ts';
import { mssql } from './mssql.ts';
import { mysql } from './mysql.ts';
import { nats } from './nats.ts';
import { oracle } from './oracle.ts';
import { pop3 } from './pop3.ts';
import { postgresql } from './postgresql.ts';
import type { Probe } from './probe.ts';
import { rdp } from './rdp.ts';
import { redis } from './redis.ts';
import { rsync } from './rsync.ts';
import { smb } from './smb.ts';
import { smtp } from './smtp.ts';
import { socks } from './socks.ts';
import { ssh } from './ssh.ts';
import { sunrpc } from './sunrpc.ts';
import { telnet } from './telnet.ts';
import { vnc } from './vnc.ts';
import { x11 } from './x11.ts';
import { zookeeper } from './zookeeper.ts';

/**
 * Every probe over TCP. Answers are read in this order, so what knows its answers for sure comes first: FTP before SMTP,
 * which shares its greeting, and products that speak HTTP before HTTP as such.
 */
export const probes: readonly Probe[] = [
  ssh,
  ftp,
  smtp,
  imap,
  pop3,
  telnet,
  rsync,
  vnc,
  mysql,
  nats,
  redis,
  memcached,
  postgresql,
  mongodb,
  mssql,
  oracle,
  cassandra,
  ldap,
  kafka,
  amqp,
  mqtt,
  zookeeper,
  rdp,
  smb,
  sunrpc,
  dns,
  x11,
  socks,
  elasticsearch,
  etcd,
  docker,
  kubernetes,
  http,
];
