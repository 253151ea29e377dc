// SPDX-License-Identifier: Apache-2.0
// node cri_client.js SOCKET: reads lines {"method":…,"request":{…}} from standard input, asks the runtime, and prints a
// line for each, in order: {"response":{…}} or {"error":"…"}.
"use strict";

const path = require("path");
const modules = path.join(__dirname, "..", "node", "node_modules");
const grpc = require(path.join(modules, "@grpc/grpc-js"));
const loader = require(path.join(modules, "@grpc/proto-loader"));
const readline = require("readline");

const definition = loader.loadSync(path.join(__dirname, "cri.proto"), { keepCase: true, longs: Number, enums: String, defaults: true });
const { RuntimeService } = grpc.loadPackageDefinition(definition).runtime.v1;
const client = new RuntimeService(`unix://${process.argv[2]}`, grpc.credentials.createInsecure());

function ask({ method, request }) {
  return new Promise((resolve) => {
    const deadline = new Date(Date.now() + 60000);
    client[method](request, { deadline }, (error, response) => resolve(error ? { error: error.message } : { response }));
  });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await ask(JSON.parse(line))));
  }
  client.close();
})();
