// Two composers put the schema of a server together with a lab's: `supergraph.mjs compose ROLE SDL`.
// A gateway serves the lab and the hub as one graph: `supergraph.mjs serve SDL URL TOKEN` asks it
// the question below and writes its answer.
import { readFileSync } from 'node:fs';
import { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { composeServices as apollo } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { composeServices as guild } from '@theguild/federation-composition';
import { parse } from 'graphql';

const COMPOSERS = { '@apollo/composition': apollo, '@theguild/federation-composition': guild };
const QUESTION = `{ datasets { id title
  works { id title creators { name } identifiers { scheme value } }
  licence { number licensor status } collectives { code name } } }`;
const DATASETS = [
  { id: 'D-1', title: 'Novels', works: ['FR:W-1', 'GB:W-1', 'GB:none', 'GB:W-2', 'FR:W-1'] },
  { id: 'D-2', title: 'Nothing yet', works: [] },
];

const read = (path) => readFileSync(path, 'utf8');
const lab = () => parse(read(new URL('lab.graphql', import.meta.url)));

function composed(compose, name, sdl) {
  const { errors = [], supergraphSdl } = compose([
    { name, url: 'http://127.0.0.1:9/', typeDefs: parse(sdl) },
    { name: 'lab', url: 'http://127.0.0.1:9/', typeDefs: lab() },
  ]);
  return { errors, supergraphSdl };
}

function judge(name, sdl) {
  let wrong = 0;
  for (const [composer, compose] of Object.entries(COMPOSERS)) {
    const { errors, supergraphSdl } = composed(compose, name, sdl);
    console.log(`${composer}: ${name} and lab, ${errors.length} errors`);
    for (const error of errors) console.log(`  ${error.message}`);
    if (errors.length || !supergraphSdl) wrong = 1;
  }
  return wrong;
}

const datasets = () =>
  DATASETS.map((one) => ({
    ...one,
    works: one.works.map((id) => ({ id })),
    licence: { number: 'HUB-000001' },
    collectives: [{ code: 'GB' }, { code: 'FR' }],
  }));

class Hub extends RemoteGraphQLDataSource {
  willSendRequest({ request }) {
    request.http.headers.set('authorization', `Bearer ${process.argv[5]}`);
  }
}

async function serve(sdl, url) {
  const gateway = new ApolloGateway({
    supergraphSdl: composed(apollo, 'hub', sdl).supergraphSdl,
    buildService: ({ name }) =>
      name === 'hub'
        ? new Hub({ url })
        : new LocalGraphQLDataSource(
            buildSubgraphSchema({ typeDefs: lab(), resolvers: { Query: { datasets } } }),
          ),
  });
  const { executor } = await gateway.load();
  const answer = await executor({
    document: parse(QUESTION),
    request: { query: QUESTION },
    queryHash: 'the one question',
    metrics: {},
    context: {},
    cache: new Map(),
  });
  await gateway.stop();
  console.log(JSON.stringify({ data: answer.data, errors: answer.errors ?? [] }));
}

const [act, ...given] = process.argv.slice(2);
if (act === 'compose') process.exit(judge(given[0], read(given[1])));
await serve(read(given[0]), given[1]);
