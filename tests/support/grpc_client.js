// SPDX-License-Identifier: Apache-2.0
// node grpc_client.js PORT: one channel; reads lines "COUNT METHOD MESSAGES CONTENT" from standard input, makes so many
// calls at once for each, and says "done <statuses>" when all of a line have ended. CANCEL after CONTENT cancels.
"use strict";

const grpc = require(require("path").join(__dirname, "..", "node", "node_modules", "@grpc/grpc-js"));
const readline = require("readline");

const client = new grpc.Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure());
const same = (bytes) => bytes;
const streams = { Upload: [true, false], Download: [false, true], Chat: [true, true] };

function call(name, messages, content, cancel) {
  const [up, down] = streams[name] || [false, false];
  const path = `/test.Echo/${name}`;
  const metadata = new grpc.Metadata();
  metadata.set("authorization", "Bearer s3cr3t-9f2c");
  return new Promise((resolve) => {
    const answered = () => {};
    const made = up && down ? client.makeBidiStreamRequest(path, same, same, metadata)
      : up ? client.makeClientStreamRequest(path, same, same, metadata, answered)
      : down ? client.makeServerStreamRequest(path, same, same, Buffer.from(content), metadata)
      : client.makeUnaryRequest(path, same, same, Buffer.from(content), metadata, answered);
    made.on("status", (status) => resolve(status.code));
    made.on("error", () => {});
    if (down) made.on("data", () => { if (cancel) made.cancel(); });
    if (up) {
      for (let i = 0; i < messages; ++i) made.write(Buffer.from(content));
      if (!cancel) made.end();
    }
  });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [count, name, messages, content, cancel] = line.split(" ");
    const all = [];
    for (let i = 0; i < Number(count); ++i) all.push(call(name, Number(messages), content, cancel));
    console.log(`done ${[...new Set(await Promise.all(all))]}`);
  }
  client.close();
})();
