// What is measured, under the same names in all scripts, and what has to be so.

import { Counter, Trend } from 'k6/metrics';

const counter = (name) => new Counter(`lime_${name}`);
const time = (name) => new Trend(`lime_${name}_time`, true);

export const sessions = {
  established: counter('sessions'),
  retried: counter('sessions_retried'), // attempts that were refused or came to nothing
  failed: counter('sessions_failed'), // never came about
  ended: counter('sessions_ended'), // by the server, or with the connection
  time: time('session'), // from when it was due until it was established
  recovery: time('recovery'), // from the drop of the one before until it was established
};

export const messages = {
  sent: counter('sent'),
  unsent: counter('unsent'), // their sender had no session then
  received: counter('received'), // once for each recipient
  lost: counter('lost'),
  duplicates: counter('duplicates'), // twice in one session
  redelivered: counter('redelivered'), // again in a later session
  disordered: counter('disordered'),
  refused: counter('refused'), // `failed` notifications
  delivery: time('delivery'), // from when it was due until its recipient had it
  catchUp: time('catch_up'), // of what was due before: from the beginning of the session until it had it
  accepted: time('accepted'), // from when it was due until it was stored
  receipt: time('receipt'), // from when it was due until its sender had the recipient's receipt
};

export const commands = { time: time('command') };

// Whatever a script did not expect.
export const faults = counter('faults');

// soundness are the thresholds of every script.
export function soundness(options) {
  return {
    lime_sessions: ['count>0'],
    lime_sessions_failed: ['count==0'],
    lime_sessions_ended: [`count<=${options.maxEnded}`],
    lime_session_time: [`p(95)<=${options.sessionP95}`],
    lime_faults: ['count==0'],
  };
}

// delivered are those of scripts that send messages.
export function delivered(options) {
  return {
    lime_received: ['count>0'],
    lime_unsent: [`count<=${options.maxEnded ? options.maxLost : 0}`],
    lime_lost: [`count<=${options.maxLost}`],
    lime_refused: ['count==0'],
    lime_duplicates: ['count==0'],
    lime_disordered: ['count==0'],
    lime_delivery_time: [`p(95)<=${options.deliveryP95}`],
  };
}
