// Drives lime-js clients for the end-to-end tests; see lines.js. With the argument `compress` their transport is over a
// WebSocket that offers permessage-deflate, and compresses whatever it says once that is agreed on.

import Lime from 'lime-js';
import websocket from 'websocket';
import { WebSocket } from 'ws';
import { greeting, isGreeting, run, say } from './lines.js';

const compresses = process.argv[2] === 'compress';
if (compresses) {
  websocket.w3cwebsocket = class extends WebSocket {
    constructor(url, protocol) {
      super(url, protocol, { perMessageDeflate: { threshold: 0 } });
    }
  };
}
const { default: WebSocketTransport } = await import('lime-transport-websocket'); // which looks for it now

const clients = new Map();

// credentials are those that a login has.
const credentials = ({ password, key }) => {
  if (key !== undefined) return new Lime.KeyAuthentication(key);
  if (password !== undefined) return new Lime.PlainAuthentication(password);
  return new Lime.GuestAuthentication();
};

const actions = {
  // A login that is refused is no error: its result is the session that says so. An
  // application says what it has received and consumed, and answers greetings.
  async login(request) {
    const { client, url, identity, instance, application } = request;
    const transport = new WebSocketTransport();
    transport.onClose = () => say({ client, closed: true });
    await transport.open(url);
    if (compresses && !transport._webSocket.extensions.includes('permessage-deflate')) {
      throw new Error('compression was not agreed on');
    }

    const channel = new Lime.ClientChannel(transport, true, application === true);
    const tell = (envelope) => say({ client, envelope });
    channel.onMessage = (message) => {
      tell(message);
      if (application && message.id) channel.sendNotification({ id: message.id, to: message.from, event: 'consumed' });
    };
    channel.onNotification = tell;
    channel.onCommand = (command) => {
      if (application && isGreeting(command)) channel.sendCommand(greeting(command, channel.localNode));
      else tell(command);
    };
    channel.onSessionFinished = tell;
    channel.onSessionFailed = tell;
    clients.set(client, channel);

    return channel
      .establishSession('none', 'none', identity, credentials(request), instance)
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
    const webSocket = clients.get(client).transport._webSocket;
    (webSocket._socket ?? webSocket._connection.socket).destroy();
  },
};

await run(actions);
