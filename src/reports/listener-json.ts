import type { AnswerFacts } from '../model/answer.ts';
import type { Listener, PackageFacts, ProcessFacts } from '../model/listener.ts';
import { isoTime } from './time.ts';

/** A listener as JSON. Other tools rely on these names; an absent field was not visible. */
export function listenerJson(l: Listener) {
  const { host, scope, transport, address, port, bind, families, role, uid, user, answer } = l;
  const process = l.process === null ? null : processJson(l.process);
  return {
    host,
    scope,
    transport,
    address,
    port,
    bind,
    families,
    role,
    uid,
    user,
    process,
    sharedWith: l.sharedWith.map(processJson),
    ...(answer && { answer: answerJson(answer) }),
  };
}

function processJson(p: ProcessFacts) {
  const { startedAt, package: owner, ...rest } = p;
  return {
    ...rest,
    ...(owner && { package: packageJson(owner) }),
    ...(startedAt === undefined ? {} : { startedAt: isoTime(startedAt) }),
  };
}

function packageJson({ candidate, ...rest }: PackageFacts) {
  return candidate ? { ...rest, candidate: { ...candidate, dataAt: isoTime(candidate.dataAt) } } : rest;
}

function answerJson({ tls, ...rest }: AnswerFacts) {
  if (!tls) return rest;
  const { notBefore, notAfter, ...certificate } = tls;
  const times = {
    ...(notBefore === undefined ? {} : { notBefore: isoTime(notBefore) }),
    ...(notAfter === undefined ? {} : { notAfter: isoTime(notAfter) }),
  };
  return { ...rest, tls: { ...certificate, ...times } };
}
