import { field } from '../identify-text.ts';
import { getRequest, jsonBody, readHttp, textOf } from './http-answer.ts';
import type { Probe } from './probe.ts';

/** etcd: `GET /version`, which is open to all even where keys are not. */
export const etcd: Probe = {
  name: 'etcd',
  ports: [2379],
  tlsPorts: [2379],
  request: (target) => getRequest(target, '/version'),
  read(answer, isEnd) {
    const http = readHttp(answer, isEnd);
    const version = http ? textOf(jsonBody(http), 'etcdserver') : undefined;
    if (!http || version === undefined) return null;
    return {
      facts: {
        service: 'etcd-client',
        product: 'etcd',
        ...field('version', version),
        banner: http.statusLine,
        encryption: 'none',
      },
    };
  },
};
