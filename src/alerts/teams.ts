import type { AlertMessage } from './channel.ts';
import { chatChannel } from './chat-channel.ts';
import { causesOf, factsOf, headline, oneLine, shown, whatToDo } from './message-text.ts';

/** Teams refuses messages above 28 KB (learn.microsoft.com, limits of webhooks). */
const MAX_BYTES = 26_000;
const MOST_INCIDENTS = 20;

/** Adaptive cards read a subset of Markdown: what would be a link, emphasis or a list is shown as it is. */
function asItIs(text: string): string {
  return text.replace(/[\\`*_[\]()#>~|]/g, '\\$&');
}

const block = (text: string, more: object = {}) => ({ type: 'TextBlock', text, wrap: true, ...more });

/** The message as the Workflows webhook of Teams takes it: one adaptive card (adaptivecards.io, version 1.4). */
export function teamsMessage(message: AlertMessage): object {
  const { incidents, more } = shown(message);
  for (let most = Math.min(MOST_INCIDENTS, incidents.length); ; most = Math.floor(most / 2)) {
    const card = cardOf(message, incidents.slice(0, most), more + incidents.length - most);
    if (most <= 1 || Buffer.byteLength(JSON.stringify(card)) <= MAX_BYTES) return card;
  }
}

function cardOf(message: AlertMessage, incidents: AlertMessage['incidents'], more: number): object {
  const body: object[] = [block(asItIs(headline(message)), { size: 'Medium', weight: 'Bolder' })];
  for (const incident of incidents) {
    if (incidents.length > 1)
      body.push(
        block(asItIs(`[${incident.severity}] ${oneLine(incident.title)}`), { weight: 'Bolder', separator: true }),
      );
    body.push({
      type: 'FactSet',
      facts: factsOf(incident, message.links).map(([title, value]) => ({ title, value: asItIs(value) })),
    });
    for (const cause of causesOf(incident)) body.push(block(asItIs(cause), { spacing: 'Small' }));
    body.push(block(whatToDo(incident).map(asItIs).join('\n\n'), { fontType: 'Monospace', isSubtle: true }));
  }
  if (message.kind === 'test') body.push(block('If you can read this, the channel works. Nothing is wrong.'));
  if (more > 0) body.push(block(`${more} more: quietdoor alerts list`, { separator: true }));
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          msteams: { width: 'Full' },
          body,
        },
      },
    ],
  };
}

export const teams = chatChannel('teams', 'Microsoft Teams webhook (Workflows)', teamsMessage);
