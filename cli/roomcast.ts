#!/usr/bin/env node
// The command line: picks the command, and turns whatever is thrown into one line and an exit code.
import { Command, CommanderError } from "commander";
import { bridgeCommand } from "./bridge.ts";
import { Failure } from "./failure.ts";
import { sendCommand } from "./send.ts";
import { startCommand } from "./start.ts";
import { tokenCommand } from "./token.ts";
import { watchCommand } from "./watch.ts";

const program = new Command("roomcast").description("Live binary rooms at the edge: TCP in, WebSocket out.");
for (const command of [startCommand(), bridgeCommand(), sendCommand(), watchCommand(), tokenCommand()]) {
  program.addCommand(command);
}
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
  command.exitOverride().showHelpAfterError("(--help tells more)");
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 || error.code === "commander.help" ? 0 : 2;
  process.stderr.write(`roomcast: ${error instanceof Error ? error.message : error}\n`);
  return error instanceof Failure ? error.exitCode : 1;
}
