import { z } from 'zod';
import type { AlertMessage, Channel } from './channel.ts';
import { post } from './http-post.ts';
import { readBy, secretReference } from './settings.ts';
import { urlOf } from './webhook.ts';

const schema = z.strictObject({
  /** The address of an incoming webhook is a secret: whoever has it can post. */
  url: secretReference,
  ca: z.string().optional(),
});
export type ChatSettings = z.infer<typeof schema>;

/** A chat that takes a message as JSON at an address of its own. `write`: the message as that chat wants it. */
export function chatChannel(
  kind: string,
  title: string,
  write: (message: AlertMessage) => object,
): Channel<ChatSettings> {
  return {
    kind,
    title,
    read: (raw) => readBy(schema, raw),
    async send(message, settings, delivery) {
      const url = await urlOf(settings.url, delivery);
      const headers = { 'content-type': 'application/json', 'user-agent': `quietdoor/${message.version}` };
      await post({ url, headers, body: JSON.stringify(write(message)), ca: settings.ca }, delivery);
    },
  };
}
