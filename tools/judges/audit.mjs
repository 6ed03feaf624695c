// Asks graphql-http's audit about each URL given; ends with 1 unless every check of every URL is ok.
import { auditServer } from 'graphql-http';

const CHECKS = 61;

async function judge(url) {
  const results = await auditServer({ url });
  const counts = { ok: 0, notice: 0, warn: 0, error: 0 };
  for (const { id, name, status, reason } of results) {
    counts[status] += 1;
    if (status !== 'ok') console.log(`  ${status} ${id} ${name}: ${reason}`);
  }
  const said = Object.entries(counts).map(([status, count]) => `${count} ${status}`);
  console.log(`${url}: ${said.join(', ')} of ${results.length}`);
  return counts.ok === CHECKS && results.length === CHECKS;
}

const urls = process.argv.slice(2);
if (urls.length === 0) {
  console.error('usage: node audit.mjs URL...');
  process.exit(2);
}
let passed = true;
for (const url of urls) passed = (await judge(url)) && passed;
process.exit(passed ? 0 : 1);
