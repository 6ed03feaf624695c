// A hub of @graphql-tools/stitch over the nodes named as arguments: it asks each and merges what they send.
import { buildSchema, print, OperationTypeNode } from "graphql";
import { delegateToSchema } from "@graphql-tools/delegate";
import { RenameRootFields } from "@graphql-tools/wrap";
import { stitchSchemas } from "@graphql-tools/stitch";
import { TYPES, executing, post, serve } from "./common.mjs";

const nodes = process.argv.slice(2).map((url, number) => ({
  schema: buildSchema(`${TYPES} type Query { works(first: Int!): Works! }`),
  executor: ({ document, variables }) => post(url, { query: print(document), variables }),
  transforms: [new RenameRootFields((_, name) => `n${number}_${name}`)],
}));

const before = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const inOrder = (a, b) => before(a.node.title, b.node.title) || before(a.node.id, b.node.id);

const schema = stitchSchemas({
  subschemas: nodes,
  typeDefs: "extend type Query { works(first: Int!): Works! }",
  resolvers: {
    Query: {
      works: async (_, { first }, context, info) => {
        const pages = await Promise.all(
          nodes.map((node, number) =>
            delegateToSchema({
              schema: node,
              operation: OperationTypeNode.QUERY,
              fieldName: `n${number}_works`,
              args: { first },
              context,
              info,
            }),
          ),
        );
        const edges = pages.flatMap((page) => page.edges).sort(inOrder);
        return { edges: edges.slice(0, first), pageInfo: { hasNextPage: edges.length > first, endCursor: null } };
      },
    },
  },
});

serve(executing(schema));
