// A site's spool in a process of its own that is killed at a stated point; run by test_spool.py.
//
// The node is a directory: a file per attempt, named by the Idempotency-Key. The second run (`never`)
// appends nothing: it only reports what the first one left.

import { mkdirSync, readdirSync, appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Spool } from "../../kit/javascript/src/node/spool.js";

const [, , base, crash] = process.argv;

function dieIf(moment) {
  if (moment === crash) process.kill(process.pid, "SIGKILL");
}

mkdirSync(join(base, "node"), { recursive: true });
const spool = new Spool(join(base, "spool"), { batchLines: 10 });
for (let number = 0; crash !== "never" && number < 25; number += 1) {
  await spool.append(JSON.stringify({ event_id: `event-${number}` }));
}
const [open] = readdirSync(join(base, "spool")).filter((name) => name.endsWith(".open"));
if (crash === "torn") appendFileSync(join(base, "spool", open), '{"event_id":"event-');
dieIf("torn");
dieIf("after append");
const batches = await spool.batches();
dieIf("after freeze");
for (const [at, batch] of batches.entries()) {
  writeFileSync(join(base, "node", `${batch.id}.${process.pid}`), await batch.read());
  dieIf("after send");
  if (at === 1) dieIf("while sending the second");
  spool.acknowledge(batch.id);
}
