// One summary for all scripts: a table for people, and with OUT a file for programs.

const times = {
  session: 'lime_session_time',
  recovery: 'lime_recovery_time',
  accepted: 'lime_accepted_time',
  delivery: 'lime_delivery_time',
  catch_up: 'lime_catch_up_time',
  receipt: 'lime_receipt_time',
  command: 'lime_command_time',
};

const counts = [
  'sessions', 'sessions_retried', 'sessions_failed', 'sessions_ended',
  'sent', 'unsent', 'received', 'lost', 'duplicates', 'redelivered', 'disordered', 'refused', 'faults',
];

// summary makes k6's handleSummary of a script. The JSON has the script's name, whether all
// thresholds hold, how long it took in seconds, counts, times in milliseconds, those of parts of
// the run under delivery_<part>, and the thresholds that are crossed.
export function summary(script, options) {
  return (data) => {
    const result = digest(script, data);
    const files = { stdout: table(result) };
    if (options.out) {
      files[options.out] = `${JSON.stringify(result, null, 2)}\n`;
    }
    return files;
  };
}

function digest(script, data) {
  const result = { script, passed: true, seconds: data.state.testRunDurationMs / 1000, counts: {}, times: {}, crossed: [] };
  for (const name of counts) {
    const metric = data.metrics[`lime_${name}`];
    result.counts[name] = metric ? metric.values.count : 0;
  }
  for (const [name, of] of Object.entries(times)) {
    add(result.times, name, data.metrics[of]);
  }
  for (const name of Object.keys(data.metrics).sort()) {
    const metric = data.metrics[name];
    const part = /^lime_delivery_time\{part:(\w+)\}$/.exec(name);
    if (part) {
      add(result.times, `delivery_${part[1]}`, metric);
    }
    for (const [threshold, { ok }] of Object.entries(metric.thresholds || {})) {
      if (!ok) {
        result.crossed.push(`${name} ${threshold}`);
      }
    }
  }
  result.passed = result.crossed.length === 0;
  return result;
}

function add(times, name, metric) {
  if (metric && metric.values.count > 0) {
    const v = metric.values;
    times[name] = { count: v.count, p50: v.med, p95: v['p(95)'], p99: v['p(99)'], p999: v['p(99.9)'], max: v.max };
  }
}

function table(result) {
  const lines = ['', `${result.script}: ${result.passed ? 'passed' : 'FAILED'} after ${result.seconds.toFixed(1)} s`, ''];
  for (const [name, n] of Object.entries(result.counts)) {
    if (n > 0 || ['sessions', 'sent', 'received', 'lost'].includes(name)) {
      lines.push(`  ${name.replace(/_/g, ' ').padEnd(18)}${String(n).padStart(12)}`);
    }
  }
  lines.push('', `  ${'ms'.padEnd(18)}${['count', 'p50', 'p95', 'p99', 'p99.9', 'max'].map((h) => h.padStart(12)).join('')}`);
  for (const [name, t] of Object.entries(result.times)) {
    const values = [t.p50, t.p95, t.p99, t.p999, t.max].map((v) => v.toFixed(2).padStart(12));
    lines.push(`  ${name.replace(/_/g, ' ').padEnd(18)}${String(t.count).padStart(12)}${values.join('')}`);
  }
  for (const crossed of result.crossed) {
    lines.push('', `  not held: ${crossed}`);
  }
  return `${lines.join('\n')}\n\n`;
}
