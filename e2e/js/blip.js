// Drives blip-sdk clients for the end-to-end tests; see lines.js. What the SDK does of
// itself stays as it is: presence and receipts after the login, received and consumed
// for each message, and another connection when one is lost.

import BlipSdk from 'blip-sdk';
import WebSocketTransport from 'lime-transport-websocket';
import { greeting, isGreeting, run, say } from './lines.js';

const clients = new Map();

const build = ({ url, identity, instance, password, key, presence }) => {
  const { protocol, hostname, port } = new URL(url);
  const [identifier, domain] = identity.split('@');
  const builder = new BlipSdk.ClientBuilder()
    .withIdentifier(identifier)
    .withDomain(domain)
    .withScheme(protocol.slice(0, -1))
    .withHostName(hostname)
    .withPort(port)
    .withTransportFactory(() => new WebSocketTransport());
  if (instance !== undefined) builder.withInstance(instance);
  if (password !== undefined) builder.withPassword(password);
  if (key !== undefined) builder.withAccessKey(key);
  if (presence?.roundRobin !== undefined) builder.withRoundRobin(presence.roundRobin);
  if (presence?.echo !== undefined) builder.withEcho(presence.echo);
  return builder.build();
};

// response is what a command was answered: the SDK makes an error of a failure.
const response = (promise) => promise.catch((error) => {
  const answer = JSON.parse(error.message);
  if (answer.timeout) throw error;
  return answer;
});

const actions = {
  async login(request) {
    const name = request.client;
    const client = build(request);
    const asked = new Set();
    clients.set(name, { client, asked });
    const tell = (envelope) => say({ client: name, envelope });
    const node = () => client._clientChannel.localNode;
    client.addMessageReceiver(true, (message) => { tell(message); });
    client.addNotificationReceiver(true, tell);
    // The SDK also hands out the responses that it waits for, its own while it logs in.
    const awaited = ({ status, id }) => status && (!client.listening || asked.has(id));
    client.addCommandReceiver((command) => !awaited(command) && !isGreeting(command), tell);
    client.addCommandReceiver(isGreeting, (command) => {
      // It would wait for a response to the response.
      client.sendCommand(greeting(command, node())).catch(() => {});
    });
    client.addSessionFinishedHandlers(tell);
    client.addSessionFailedHandlers(tell);
    client.sessionPromise.catch(() => {}); // the handler has told
    client.onListeningChanged = (listening) => { if (!listening) say({ client: name, closed: true }); };
    try {
      return await client.connect();
    } catch (refusal) {
      if (refusal.state === undefined) throw refusal;
      return refusal;
    }
  },

  send({ client, envelope }) {
    const { client: sdk } = clients.get(client);
    if ('content' in envelope) sdk.sendMessage(envelope);
    else if ('event' in envelope) sdk.sendNotification(envelope);
    else sdk._clientChannel.sendCommand(envelope); // without waiting for a response
  },

  call({ client, envelope }) {
    const { client: sdk, asked } = clients.get(client);
    asked.add(envelope.id);
    return response(sdk.sendCommand(envelope));
  },

  finish: ({ client }) => clients.get(client).client.close(),

  drop({ client }) {
    clients.get(client).client._transport._webSocket._connection.socket.destroy();
  },
};

await run(actions);
