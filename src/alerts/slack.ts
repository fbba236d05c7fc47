import type { AlertMessage } from './channel.ts';
import { chatChannel } from './chat-channel.ts';
import { causesOf, factsOf, headline, oneLine, shown, whatToDo } from './message-text.ts';

/** Bounds of Block Kit (docs.slack.dev/reference/block-kit/blocks): blocks of a message, characters of a text object. */
const MAX_BLOCKS = 50;
const MAX_TEXT = 3_000;
/** A header holds 150 characters. */
const MAX_HEADER = 150;

/** `&`, `<` and `>` as Slack wants them; what is in between shows as it is, no mention or link comes of it. */
function asItIs(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** The same where receivers other than Slack read Markdown and mentions (`@channel`) in it: a blank of no width undoes both. */
function asItIsAnywhere(text: string): string {
  return asItIs(text)
    .replace(/@(?=\w)/g, '@\u200b')
    .replace(/\](?=[([:])/g, ']\u200b');
}

const section = (text: string) => ({
  type: 'section',
  text: { type: 'mrkdwn', text: text.slice(0, MAX_TEXT), verbatim: true },
});
/** As a block of code; backticks would end it. */
const code = (lines: readonly string[]) => `\`\`\`${asItIs(lines.join('\n').replace(/`/g, "'"))}\`\`\``;

/** The message as Slack's incoming webhooks take it; Mattermost and Rocket.Chat show its `text`. */
export function slackMessage(message: AlertMessage): object {
  const blocks: object[] = [
    { type: 'header', text: { type: 'plain_text', text: oneLine(headline(message), MAX_HEADER), emoji: false } },
  ];
  const { incidents, more } = shown(message);
  let left = more;
  for (const incident of incidents) {
    // Three blocks each; two are kept for the end.
    if (blocks.length + 3 > MAX_BLOCKS - 2) {
      left++;
      continue;
    }
    if (incidents.length > 1) blocks.push(section(`*[${incident.severity}]* ${asItIs(oneLine(incident.title))}`));
    blocks.push(
      section(
        factsOf(incident, message.links)
          .map(([name, value]) => `*${name}* ${asItIs(value)}`)
          .join('\n'),
      ),
    );
    const causes = causesOf(incident).map((cause) => `• ${asItIs(cause)}`);
    blocks.push(section([...causes, code(whatToDo(incident))].join('\n')));
  }
  if (message.kind === 'test') blocks.push(section('If you can read this, the channel works. Nothing is wrong.'));
  if (left > 0) blocks.push(section(`${left} more: ${code(['quietdoor alerts list'])}`));
  return { text: asItIsAnywhere(headline(message)), unfurl_links: false, unfurl_media: false, blocks };
}

export const slack = chatChannel('slack', 'Slack incoming webhook, and what is compatible with it', slackMessage);
