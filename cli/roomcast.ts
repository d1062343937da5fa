#!/usr/bin/env node
// The entry of the command line.
import { main } from "./main.ts";

process.exitCode = await main(process.argv);
