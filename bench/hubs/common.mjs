// What the hubs of this folder have in common: the nodes' schema, and a bare server with a cache of documents.
import { createServer } from "node:http";
import { parse, validate, execute } from "graphql";

export const TYPES = /* GraphQL */ `
  type Creator { name: String! role: String! }
  type Work {
    id: ID! title: String! contentType: String! languages: [String!]!
    wordCount: Int publishedOn: String creators: [Creator!]!
  }
  type Edge { cursor: String! node: Work! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Works { edges: [Edge!]! pageInfo: PageInfo! }
`;

export async function post(url, body) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

// Serves what `answer(query, variables)` returns, and prints the port that the system chose.
export function serve(answer) {
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
      const { query, variables } = JSON.parse(Buffer.concat(parts).toString());
      const text = JSON.stringify(await answer(query, variables));
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(text);
    });
  });
  server.keepAliveTimeout = 75_000;
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
}

export function executing(schema) {
  const known = new Map();
  return (query, variables) => {
    if (!known.has(query)) {
      const document = parse(query);
      const errors = validate(schema, document);
      if (errors.length) throw errors[0];
      known.set(query, document);
    }
    return execute({ schema, document: known.get(query), variableValues: variables, contextValue: {} });
  };
}
