// SPDX-License-Identifier: Apache-2.0
// Node's own HTTP server: says "listening <port>", swallows the body, answers chunked below /chunked.
"use strict";

const http = require("http");

const server = http.createServer((request, response) => {
  let size = 0;
  request.on("data", (data) => { size += data.length; });
  request.on("end", () => {
    if (request.url.startsWith("/chunked")) {
      response.write("hello");
      response.write(" ");
      response.end("world");
    } else {
      const body = `${size}\n`;
      response.writeHead(200, { "Content-Length": body.length });
      response.end(body);
    }
  });
});
server.keepAliveTimeout = 600000;
server.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port}`));
