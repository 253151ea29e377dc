// SPDX-License-Identifier: Apache-2.0
// A gRPC server by @grpc/grpc-js, messages being bytes as they are: says "listening <port>". Service test.Echo: Unary,
// Upload, Download (as many messages as the request has bytes), Chat; Fail answers with the status its message names.
"use strict";

const grpc = require(require("path").join(__dirname, "..", "node", "node_modules", "@grpc/grpc-js"));

const same = (bytes) => bytes;
const method = (name, requestStream, responseStream) => ({
  path: `/test.Echo/${name}`, requestStream, responseStream,
  requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
});
const service = {
  Unary: method("Unary", false, false), Fail: method("Fail", false, false), Upload: method("Upload", true, false),
  Download: method("Download", false, true), Chat: method("Chat", true, true),
};

const server = new grpc.Server();
server.addService(service, {
  Unary: (call, answer) => answer(null, call.request),
  Fail: (call, answer) => answer({ code: Number(call.request.toString()), details: "as asked" }),
  Upload: (call, answer) => {
    let bytes = 0;
    call.on("data", (message) => { bytes += message.length; });
    call.on("end", () => answer(null, Buffer.from(String(bytes))));
  },
  Download: (call) => {
    for (let i = 0; i < call.request.length; ++i) call.write(Buffer.alloc(100 * i, "d"));
    call.end();
  },
  Chat: (call) => {
    call.on("data", (message) => call.write(message));
    call.on("end", () => call.end());
  },
});
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  if (server.start.length === 0) server.start();
  console.log(`listening ${port}`);
});
