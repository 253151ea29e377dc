// SPDX-License-Identifier: Apache-2.0
// node https_client.js PORT 1|2 PATH…: asks for all paths at once, by HTTP/1.1 over four connections or by HTTP/2 over one.
'use strict';
const http2 = require('http2');
const https = require('https');

const [, , port, version, ...paths] = process.argv;
const target = {host: '127.0.0.1', port: Number(port), rejectUnauthorized: false};
let left = paths.length;

if (version === '2') {
  const session = http2.connect(`https://127.0.0.1:${port}`, target);
  for (const path of paths) {
    const stream = session.request({':path': path});
    stream.resume();
    stream.on('end', () => --left === 0 && session.close());
  }
} else {
  const agent = new https.Agent({...target, keepAlive: true, maxSockets: 4});
  for (const path of paths) {
    https.get({...target, path, agent}, (response) => {
      response.resume();
      response.on('end', () => --left === 0 && agent.destroy());
    });
  }
}
