import { field } from '../identify-text.ts';
import { getRequest, jsonBody, readHttp, textOf } from './http-answer.ts';
import type { Probe } from './probe.ts';

/** Docker Engine API: `GET /version`. Whoever may ask that may do everything: it knows no other rights. */
export const docker: Probe = {
  name: 'docker',
  ports: [2375],
  tlsPorts: [2376],
  request: (target) => getRequest(target, '/version'),
  read(answer, isEnd) {
    const http = readHttp(answer, isEnd);
    const body = http ? jsonBody(http) : null;
    if (!http || textOf(body, 'ApiVersion') === undefined || textOf(body, 'MinAPIVersion') === undefined) return null;
    return {
      facts: {
        service: 'docker',
        product: 'Docker Engine',
        ...field('version', textOf(body, 'Version')),
        banner: http.statusLine,
        encryption: 'none',
        unauthenticated: true,
      },
    };
  },
};
