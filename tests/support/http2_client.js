// SPDX-License-Identifier: Apache-2.0
// node http2_client.js PORT: one connection; reads lines "COUNT METHOD PATH BODY_BYTES [NAME VALUE]" from standard input,
// makes so many requests at once for each, and says "done" when all of a line have ended.
"use strict";

const http2 = require("http2");
const readline = require("readline");

const session = http2.connect(`http://127.0.0.1:${process.argv[2]}`);

function request(method, path, bytes, extra) {
  return new Promise((resolve) => {
    const stream = session.request({ ":method": method, ":path": path, ...extra }, { endStream: bytes === 0 });
    stream.on("error", () => {});
    stream.on("close", resolve);
    stream.resume();
    if (bytes > 0) stream.end(Buffer.alloc(bytes, "b"));
  });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [count, method, path, bytes, name, value] = line.split(" ");
    const all = [];
    for (let i = 0; i < Number(count); ++i) all.push(request(method, path, Number(bytes), name ? { [name]: value } : {}));
    await Promise.all(all);
    console.log("done");
  }
  session.close();
})();
