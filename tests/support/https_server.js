// SPDX-License-Identifier: Apache-2.0
// node https_server.js CERTIFICATE KEY: HTTP/1.1 and HTTP/2 over TLS. /status/404 answers 404, /body/N N bytes.
'use strict';
const fs = require('fs');
const http2 = require('http2');

const [, , cert, key] = process.argv;
const options = {cert: fs.readFileSync(cert), key: fs.readFileSync(key), allowHTTP1: true};
const server = http2.createSecureServer(options, (request, response) => {
  const [, kind, value] = request.url.split('/');
  response.statusCode = kind === 'status' ? Number(value) : 200;
  request.resume();
  request.on('end', () => response.end(kind === 'body' ? Buffer.alloc(Number(value), 'x') : 'hello'));
});
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
