// Drives lime-js clients for the end-to-end tests, which speak with it in lines of
// JSON. A request is {seq, client, do, …} and has one answer, {seq, result} or
// {seq, error}. What a client is sent comes unasked as {client, envelope}, and the
// end of its connection as {client, closed: true}. The driver ends with its input.

import { createInterface } from 'node:readline';
import Lime from 'lime-js';
import WebSocketTransport from 'lime-transport-websocket';

const clients = new Map();

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const actions = {
  // A login that is refused is no error: its result is the session that says so.
  async login({ client, url, identity, instance, password }) {
    const transport = new WebSocketTransport();
    transport.onClose = () => say({ client, closed: true });
    await transport.open(url);

    const channel = new Lime.ClientChannel(transport);
    const tell = (envelope) => say({ client, envelope });
    channel.onMessage = tell;
    channel.onNotification = tell;
    channel.onCommand = tell;
    channel.onSessionFinished = tell;
    channel.onSessionFailed = tell;
    clients.set(client, channel);

    const authentication = password === undefined
      ? new Lime.GuestAuthentication()
      : new Lime.PlainAuthentication(password);
    return channel
      .establishSession('none', 'none', identity, authentication, instance)
      .catch((refusal) => {
        if (refusal.state === undefined) throw refusal;
        return refusal;
      });
  },

  send({ client, envelope }) {
    const channel = clients.get(client);
    if ('content' in envelope) channel.sendMessage(envelope);
    else if ('event' in envelope) channel.sendNotification(envelope);
    else channel.sendCommand(envelope);
  },

  // Unlike send, call waits for the response.
  call: ({ client, envelope }) => clients.get(client).processCommand(envelope),

  finish: ({ client }) => clients.get(client).sendFinishingSession(),

  // The connection ends without a goodbye, as that of a client that has died.
  drop({ client }) {
    clients.get(client).transport._webSocket._connection.socket.destroy();
  },
};

const text = (error) => (error instanceof Error ? error.message : JSON.stringify(error));

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
