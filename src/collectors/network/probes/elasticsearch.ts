import { field } from '../identify-text.ts';
import { getRequest, jsonBody, readHttp, textOf } from './http-answer.ts';
import type { Probe } from './probe.ts';

/** Elasticsearch and OpenSearch: `GET /` (REST API, Info), which a password guards where one is set. */
export const elasticsearch: Probe = {
  name: 'elasticsearch',
  ports: [9200],
  tlsPorts: [9200],
  request: (target) => getRequest(target, '/'),
  read(answer, isEnd) {
    const http = readHttp(answer, isEnd);
    if (!http) return null;
    const isGuarded =
      http.status === 401 && /security|OpenSearch|elastic/i.test(http.headers.get('www-authenticate') ?? '');
    const body = jsonBody(http);
    const version = body?.version;
    const isOpen = http.status === 200 && textOf(body, 'cluster_name') !== undefined && version !== undefined;
    if (!isOpen && !isGuarded) return null;
    return {
      facts: {
        service: 'elasticsearch',
        product: textOf(version, 'distribution') === 'opensearch' ? 'OpenSearch' : 'Elasticsearch',
        ...field('version', textOf(version, 'number')),
        banner: http.statusLine,
        encryption: 'none',
        unauthenticated: isOpen,
      },
    };
  },
};
