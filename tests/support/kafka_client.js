// SPDX-License-Identifier: Apache-2.0
// A client with kafkajs: node kafka_client.js PORT CLIENT-ID STEPS, steps as JSON: ["produce", topic, count, acks],
// ["consume", topic, group, count], ["create", topic], ["fail", topic]. Prints "done" at the end.
'use strict';
const path = require('path');
const { Kafka, logLevel, Partitioners } = require(path.join(__dirname, '..', 'node', 'node_modules', 'kafkajs'));

const [port, clientId, steps, auth] = [Number(process.argv[2]), process.argv[3], JSON.parse(process.argv[4]), process.argv[5]];

async function produce(kafka, topic, count, acks) {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, retry: { retries: 0 } });
  await producer.connect();
  for (let i = 0; i < count; ++i)
    await producer.send({ topic, acks, messages: [{ key: `key-${i}`, value: `value-${i}` }] });
  await producer.disconnect();
}

async function fail(kafka, topic) {
  const outcome = await produce(kafka, topic, 1, 1).then(() => 'none', (error) => error.type || error.name);
  console.log(`failed with ${outcome}`);
}

async function consume(kafka, topic, groupId, count) {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let seen = 0;
  await new Promise((resolve) => {
    consumer.run({ eachMessage: async () => { if (++seen === count) resolve(); } });
  });
  await consumer.disconnect();
}

async function create(kafka, topic) {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false });
  await admin.disconnect();
}

async function main() {
  const [username, password] = (auth || '').split('=');
  const sasl = auth ? { mechanism: 'plain', username, password } : undefined;
  const kafka = new Kafka({ clientId, brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING, sasl,
                            retry: { retries: 0 } });
  for (const [what, ...rest] of steps) await { produce, consume, create, fail }[what](kafka, ...rest);
  console.log('done');
}

main().catch((error) => { console.error(error); process.exit(1); });
