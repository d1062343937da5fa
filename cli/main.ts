// The program: picks the command, and turns any error into one line and an exit code.
import { Command, CommanderError } from "commander";
import { bridgeCommand } from "./bridge-command.ts";
import { Failure } from "./failure.ts";
import { loadCommand, loadShareCommand } from "./load-command.ts";
import { recordCommand } from "./record-command.ts";
import { replayCommand } from "./replay-command.ts";
import { sendCommand } from "./send-command.ts";
import { serveCommand } from "./serve-command.ts";
import { startCommand } from "./start-command.ts";
import { tokenCommand } from "./token-command.ts";
import { watchCommand } from "./watch-command.ts";

/** Runs the command in `argv` (as in `process.argv`). Returns the exit code: 0 success, 1 failure, 2 wrong usage. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(argv);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`roomcast: ${error instanceof Error ? error.message : error}\n`);
    return error instanceof Failure ? error.exitCode : 1;
  }
}

function program(): Command {
  const program = new Command("roomcast").description("Live binary rooms at the edge: TCP in, WebSocket out.");
  const commands = [
    startCommand(),
    serveCommand(),
    bridgeCommand(),
    sendCommand(),
    watchCommand(),
    recordCommand(),
    replayCommand(),
    loadCommand(),
    tokenCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  const share = loadShareCommand();
  program.addCommand(share, { hidden: true });
  for (const command of [program, share, ...commands, ...commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().showHelpAfterError("(see --help)");
  }
  return program;
}
