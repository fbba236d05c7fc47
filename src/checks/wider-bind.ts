import { addressWords, describeBind, describePort } from '../model/describe.ts';
import { BIND_SCOPES, type BindScope, isWiderBind, type Listener } from '../model/listener.ts';
import { isSeenInside, preferInside } from '../model/vantage.ts';
import { listWords } from '../util/words.ts';
import type { Check } from './check.ts';
import { approveStep, placeOf } from './remedy.ts';

export const widerBind: Check = {
  id: 'wider-bind',
  title: 'Bound wider than approved',
  severity: 'medium',
  rationale:
    'The address a service binds to is its first access control, and the only one that no filter rule can undo by mistake. ' +
    'A service approved for loopback that answers on every address can be reached by clients that nobody approved.',
  remediation:
    'Bind the service to the approved address in its own configuration and restart it, or change `bind` in the entry and have the change approved.',
  endpoint(facts, { register }) {
    const entry = facts.entries[0]?.entry;
    if (!entry) return [];
    const seen = preferInside(facts.listeners);
    const isInside = isSeenInside(seen);
    const wider: Listener[] = [];
    for (const { listener } of seen) if (isWider(listener, entry.bind)) wider.push(listener);
    if (wider.length === 0) return [];
    const fromLoopback = entry.bind === 'loopback' && wider.some((l) => l.bind === 'any' || l.bind === 'public');
    return [
      {
        subject: { kind: 'endpoint', endpoint: facts.endpoint },
        entry: entry.id,
        severity: fromLoopback ? 'high' : 'medium',
        message:
          `Port ${describePort(facts.endpoint)} ${isInside ? 'listens' : 'answers'} on ${listWords(addressWords(wider))}; ` +
          `${entry.id} approves ${approvedText(entry.bind)}.`,
        evidence: [
          { label: 'approved', value: `bind: ${entry.bind}` },
          ...wider.map((l) => ({
            label: isInside ? 'bound to' : 'answers on',
            value: `${l.address} (${describeBind(l.bind)})`,
          })),
        ],
        remediation:
          `Bind the service to ${approvedText(entry.bind)}, restart it, then look again: quietdoor scan. ` +
          `If the wider bind is wanted, change bind at ${placeOf(entry)} and ${approveStep(entry.id, register.policy)}`,
        at: entry.at,
      },
    ];
  },
};

/** A named address allows that address and loopback; `0.0.0.0` and `::` allow every one. */
function isWider(listener: Listener, approved: string): boolean {
  if (isBindScope(approved)) return isWiderBind(listener.bind, approved);
  if (approved === '0.0.0.0' || approved === '::' || listener.bind === 'loopback') return false;
  return listener.address !== approved;
}

function isBindScope(text: string): text is BindScope {
  return (BIND_SCOPES as readonly string[]).includes(text);
}

function approvedText(bind: string): string {
  return isBindScope(bind) ? describeBind(bind) : bind;
}
