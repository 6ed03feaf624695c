// The gate for workers, fed by node:http: `node workers.mjs CONFIG PORT`. Its store is a directory.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, resolve } from "node:path";
import { Readable, pipeline } from "node:stream";

import { DiskStore } from "../../../kit/javascript/src/node/disk-store.js";
import { createGate } from "../../../kit/javascript/src/workers/index.js";
import { application } from "./application.mjs";

const [, , file, port] = process.argv;
const config = JSON.parse(readFileSync(file, "utf8"));
const store = new DiskStore(resolve(dirname(file), config.directory));
const gate = createGate({
  config,
  store,
  log: () => undefined,
  address: () => "192.0.2.1",
});
await gate.tick();

const server = createServer(async (asked, answer) => {
  const pairs = [];
  for (let at = 0; at < asked.rawHeaders.length; at += 2) pairs.push(asked.rawHeaders.slice(at, at + 2));
  const { method } = asked;
  const body = ["GET", "HEAD"].includes(method) ? undefined : Readable.toWeb(asked);
  const url = new URL(`https://${asked.headers.host}${asked.url}`);
  const request = new Request(url, { method, headers: pairs, body, duplex: "half" });
  const response = await gate.handle(request, application);
  answer.writeHead(response.status, [...response.headers].flat());
  if (response.body === null || method === "HEAD") answer.end();
  else pipeline(Readable.fromWeb(response.body), answer, () => undefined);
}).listen(Number(port), "127.0.0.1");
process.once("SIGTERM", () => {
  server.close(async () => {
    await gate.tick(); // in the place of a worker's timer
    process.exit(0);
  });
  server.closeIdleConnections();
});
