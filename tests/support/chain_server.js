// SPDX-License-Identifier: Apache-2.0
// chain_server.js: says "listening <port>". A web application as people write it. /r/N asks Redis and PostgreSQL, and says N in both, so that
// a test can tell whose calls they are. From the environment: REDIS_PORT, REDIS_CLIENT (ioredis, redis), PGPORT, POOL
// (connections), CERT and KEY (files: then all of it speaks TLS), SHAPE: "sequence" (one after the other), "parallel"
// (at once), "twice" (two statements, each with whatever connection the pool has).
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { Pool } = require('pg');

const sealed = process.env.CERT && { cert: fs.readFileSync(process.env.CERT), key: fs.readFileSync(process.env.KEY) };
const trusting = sealed && { rejectUnauthorized: false };
const shape = process.env.SHAPE || 'sequence';
const pool = new Pool({ host: '127.0.0.1', port: Number(process.env.PGPORT), user: 'postgres', database: 'postgres',
  max: Number(process.env.POOL || 10), ssl: trusting || false });

async function redis() {
  const port = Number(process.env.REDIS_PORT);
  if ((process.env.REDIS_CLIENT || 'ioredis') === 'ioredis') {
    const Redis = require('ioredis');
    const client = new (Redis.default || Redis)({ port, host: '127.0.0.1', lazyConnect: true, tls: trusting });
    await client.connect();
    return client;
  }
  return require('redis').createClient({ url: `redis://127.0.0.1:${port}` }).connect();
}

const ask = (n, part) => pool.query(`SELECT 1 AS r_${n}${part}`);

async function serve(cache, n) {
  switch (shape) {
    case 'parallel': return Promise.all([ask(n, ''), cache.get(`k:${n}`)]);
    case 'twice':
      await cache.get(`k:${n}`);
      await ask(n, '_a');
      return ask(n, '_b');
    default:
      await cache.get(`k:${n}`);
      return ask(n, '');
  }
}

redis().then((cache) => {
  const listener = async (request, response) => {
    try {
      const n = request.url.split('/').pop();
      await serve(cache, n);
      response.end(`${n}\n`);
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  };
  const server = sealed ? https.createServer(sealed, listener) : http.createServer(listener);
  server.keepAliveTimeout = 600000;
  server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
});
