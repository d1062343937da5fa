// The program: picks the command, and turns whatever is thrown into one line and an exit code.
import { Command, CommanderError } from "commander";
import { bridgeCommand } from "./bridge-command.ts";
import { Failure } from "./failure.ts";
import { sendCommand } from "./send-command.ts";
import { startCommand } from "./start-command.ts";
import { tokenCommand } from "./token-command.ts";
import { watchCommand } from "./watch-command.ts";

/** Runs the command that `argv` (as in `process.argv`) names. The exit code: 0 ok, 1 failure, 2 called wrongly. */
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
  const commands = [startCommand(), bridgeCommand(), sendCommand(), watchCommand(), tokenCommand()];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands, ...commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().showHelpAfterError("(--help tells more)");
  }
  return program;
}
