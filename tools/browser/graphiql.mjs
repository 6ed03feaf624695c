// Looks at GraphiQL of a server as a person would, and fails on whatever it should not do:
// `node graphiql.mjs SERVER_URL BEARER_TOKEN CHROMIUM PICTURE.png`.
import assert from "node:assert/strict";
import puppeteer from "puppeteer-core";

const [, , url, token, executablePath, picture] = process.argv;
const SECONDS_MAX = 10_000;

const elsewhere = [];
const wrong = [];
const browser = await puppeteer.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 800 });
  page.setDefaultTimeout(SECONDS_MAX);
  page.on("request", (request) => {
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith("data:")) {
      elsewhere.push(request.url());
    }
  });
  page.on("requestfailed", (request) => wrong.push(`${request.url().slice(0, 200)}: ${request.failure()?.errorText}`));
  page.on("response", (response) => {
    if (response.status() >= 400) wrong.push(`${response.url()}: ${response.status()}`);
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(message.text()); // a refusal by the page's policy, too
  });

  const answer = await page.goto(`${url}/graphql`);
  assert.equal(answer.status(), 200);
  await page.waitForSelector(".graphiql-container");

  // The schema is documented for somebody who has not signed in.
  await page.waitForSelector('button[aria-label="Show Documentation Explorer"]');
  await page.click('button[aria-label="Show Documentation Explorer"]');
  await page.waitForSelector(".graphiql-doc-explorer-type-name");
  await page.click(".graphiql-doc-explorer-type-name");
  await shows(page, "The collectives of the federation");
  await page.screenshot({ path: picture.replace(".png", "-documented.png") });

  assert.deepEqual(await ask(page, "{ licences { edges { node { number } } } }"), ["NOT_AUTHENTICATED"]);

  await write(page, ".graphiql-editor-tool .graphiql-editor:not(.hidden) .CodeMirror", JSON.stringify({ Authorization: `Bearer ${token}` }));
  assert.deepEqual(await ask(page, "{ licences { edges { node { number } } } }"), []);
  await page.screenshot({ path: picture });

  // A token is not kept: who comes again to the same browser does not find it.
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }));
  assert.ok(!kept.includes(token), "the token was kept");

  assert.deepEqual(elsewhere, [], "the page asked another host");
  assert.deepEqual(wrong, [], "the page has errors");
  console.log(`GraphiQL of ${url}: documented, asked with and without a token, no other host`);
} catch (error) {
  await (await browser.pages()).at(-1).screenshot({ path: picture.replace(".png", "-failed.png") });
  console.error(error.message, { elsewhere, wrong });
  process.exitCode = 1;
} finally {
  await browser.close();
}

/** Write a text into an editor, in the place of what it says. */
async function write(page, editor, text) {
  await page.waitForSelector(editor);
  await page.$eval(editor, (element, said) => element.CodeMirror.setValue(said), text);
}

/** Run a query and return the codes of the errors that it is answered with. */
async function ask(page, query) {
  await write(page, ".graphiql-query-editor .CodeMirror", query);
  const answered = page.waitForResponse(
    (response) => response.request().method() === "POST" && response.url() === `${url}/graphql`,
  );
  await page.click(".graphiql-execute-button");
  const { errors = [] } = await (await answered).json();
  await shows(page, errors[0]?.extensions.code ?? '"data"');
  return errors.map((error) => error.extensions.code);
}

/** Wait until the page shows a text. */
async function shows(page, text) {
  await page.waitForFunction((said) => document.body.innerText.includes(said), {}, text);
}
