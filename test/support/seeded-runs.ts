// The random tests of `npm test` do the same runs each time: a test that fails is about the change. `npm run soak -- model`
// and ROOMCAST_RUNS=N take fresh seeds, and print the seed of a failure.
import fc from "fast-check";

const SEED = 20_261_126;

if (process.env.ROOMCAST_RUNS === undefined) fc.configureGlobal({ seed: SEED });
