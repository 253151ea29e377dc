// SPDX-License-Identifier: Apache-2.0
// Node's own HTTP/2 server without TLS: says "listening <port>". The path says what it does.
"use strict";

const http2 = require("http2");

const server = http2.createServer();
server.on("stream", (stream, headers) => {
  const path = headers[":path"];
  let size = 0;
  stream.on("error", () => {});
  stream.on("data", (data) => { size += data.length; });
  stream.on("end", () => {
    if (path.startsWith("/reset")) {
      stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    } else if (path.startsWith("/trailers")) {
      stream.additionalHeaders({ ":status": 103, link: "</x>" });
      stream.respond({ ":status": 200, "x-late": "1" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": String(size) }));
      stream.end("with trailers");
    } else if (path.startsWith("/missing")) {
      stream.respond({ ":status": 404 }, { endStream: true });
    } else if (path.startsWith("/large")) {
      stream.respond({ ":status": 200 });
      stream.end(Buffer.alloc(300000, "x"));
    } else {
      stream.respond({ ":status": 200, "set-cookie": headers.cookie || "none" });
      stream.end(`${size}\n`);
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port}`));
