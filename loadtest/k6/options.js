// What all scripts can be told, by environment variables: README.md has the table.

function text(name, otherwise) {
  const value = __ENV[name];
  return value === undefined || value === '' ? otherwise : value;
}

function number(name, otherwise) {
  const value = Number(text(name, otherwise));
  if (!(value >= 0)) {
    throw new Error(`${name}=${__ENV[name]} is no number`);
  }
  return value;
}

function oneOf(name, ...values) {
  const value = text(name, values[0]);
  if (!values.includes(value)) {
    throw new Error(`${name}=${value} is none of ${values.join(', ')}`);
  }
  return value;
}

// milliseconds understands 500ms, 30s, 5m, 1h, and a number of seconds.
function milliseconds(name, otherwise) {
  const value = text(name, otherwise);
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value);
  if (!match) {
    throw new Error(`${name}=${value} is no duration such as 30s, 5m or 1h`);
  }
  return Number(match[1]) * { ms: 1, s: 1000, m: 60000, h: 3600000 }[match[2] || 's'];
}

// read returns the options of one script, whose own defaults are given.
export function read({ duration = '60s', sockets = 100, rate = 100, receipts = 'received' } = {}) {
  return {
    edges: text('EDGES', 'ws://127.0.0.1:8080').split(',').map((one) => one.trim()),
    domain: text('DOMAIN', 'localhost'),
    run: text('RUN', ''),
    vus: number('VUS', 10),
    sockets: number('SOCKETS', sockets),
    connectRate: number('CONNECT_RATE', 500),
    duration: milliseconds('DURATION', duration),
    rate: number('RATE', rate),
    size: number('SIZE', 128),
    stored: oneOf('STORED', 'yes', 'no') === 'yes',
    receipts: text('RECEIPTS', receipts) === 'received',
    auth: oneOf('AUTH', 'guest', 'plain'),
    password: text('PASSWORD', 'k6 has a password'),
    tries: number('TRIES', 5),
    settle: milliseconds('SETTLE', '10s'),
    out: text('OUT', ''),

    // Of some scripts alone.
    kind: oneOf('KIND', 'group', 'room'),
    senders: number('SENDERS', 2),
    rounds: number('ROUNDS', 1),
    window: milliseconds('WINDOW', '5s'),
    churn: number('CHURN', 1),

    // Thresholds.
    sessionP95: number('SESSION_P95', 1000),
    deliveryP95: number('DELIVERY_P95', 250),
    recoveryP95: number('RECOVERY_P95', 10000),
    maxLost: number('MAX_LOST', 0),
    maxEnded: number('MAX_ENDED', 0),
  };
}

// test makes k6's options of a script: each VU does its part once, for as long as it takes.
export function test(options, thresholds, longest = 0) {
  const opening = (options.vus * options.sockets * 1000) / options.connectRate;
  const seconds = Math.ceil((opening + options.duration + options.settle + longest) / 1000) + 120;
  return {
    scenarios: {
      clients: { executor: 'per-vu-iterations', vus: options.vus, iterations: 1, maxDuration: `${seconds}s`, gracefulStop: '5s' },
    },
    thresholds,
    insecureSkipTLSVerify: true, // of edges that are under test
    summaryTrendStats: ['count', 'avg', 'med', 'p(95)', 'p(99)', 'p(99.9)', 'max'],
    setupTimeout: '10s',
  };
}
