// What the drivers of JavaScript clients have in common: they speak with the
// end-to-end tests in lines of JSON. A request is {seq, client, do, …} and has one
// answer, {seq, result} or {seq, error}. What a client is sent comes unasked as
// {client, envelope}, and the end of its connection as {client, closed: true}. A
// driver ends with its input.

import { createInterface } from 'node:readline';

export const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

// An application's answer to a greeting: who has got it.
export const greeting = ({ id, from, method }, node) => ({
  id, to: from, method, status: 'success', type: 'text/plain', resource: node,
});

export const isGreeting = (command) => !command.status && command.uri === '/greeting';

const text = (error) => (error instanceof Error ? error.message : JSON.stringify(error));

// run does what the lines say until there are no more.
export async function run(actions) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    // Nothing is awaited here: a request may take as long as it likes, others go on.
    Promise.resolve()
      .then(() => actions[request.do](request))
      .then(
        (result) => say({ seq: request.seq, result }),
        (error) => say({ seq: request.seq, error: text(error) }),
      );
  }
  process.exit(0);
}
