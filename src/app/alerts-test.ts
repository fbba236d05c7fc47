import { randomBytes } from 'node:crypto';
import type { AlertMessage } from '../alerts/channel.ts';
import { DEFAULT_ALERTS } from '../model/alert-policy.ts';
import { formatPosition, UserError } from '../model/errors.ts';
import { didYouMean } from '../register/suggest.ts';
import { uuidv7 } from '../util/uuid.ts';
import { readChannels } from './alerts-channels.ts';
import { send } from './alerts-deliver.ts';
import type { Context } from './context.ts';
import { loadRegister } from './load-register.ts';
import { VERSION } from './version.ts';

export interface TestedChannel {
  readonly channel: string;
  readonly kind: string;
  readonly id: string;
  readonly ms: number;
}

/** Sends a test message through a channel, past the outbox. `to`: address for a channel that writes to owners. Throws UserError that says why it was not taken. */
export async function testChannel(context: Context, name: string, to?: string): Promise<TestedChannel> {
  const { register } = await loadRegister(context, null);
  const policy = register.alerts ?? DEFAULT_ALERTS;
  const channel = policy.channels.find((one) => one.name === name);
  if (!channel) {
    const names = policy.channels.map((one) => one.name);
    const known =
      names.length === 0 ? 'quietdoor.yaml names none under alerts.channels' : `there are ${names.join(', ')}`;
    throw new UserError(`there is no channel ${name.slice(0, 60)}`, { hint: didYouMean(name, names) ?? known });
  }
  const { usable, problems } = await readChannels({ ...policy, channels: [channel] });
  const target = usable.get(name);
  const [problem] = problems;
  if (!target)
    throw new UserError(
      problem ? `${formatPosition(problem.at)}: ${problem.message}` : `the channel ${name} cannot be used`,
      { ...(problem?.hint !== undefined && { hint: problem.hint }) },
    );
  const at = context.now();
  const message: AlertMessage = {
    ...{ id: uuidv7(at, randomBytes(10)), kind: 'test', at, workspace: register.name, version: VERSION },
    ...{ incidents: [], more: 0, ...(to !== undefined && { recipients: [to] }) },
  };
  const failure = await send(context, target, message);
  if (failure !== null)
    throw new UserError(`the channel ${name} did not take it: ${failure.error}`, {
      hint: failure.retry
        ? 'An alert would be tried again for a day.'
        : 'Trying again would not help: see its settings.',
    });
  return { channel: name, kind: channel.kind, id: message.id, ms: context.now() - at };
}
