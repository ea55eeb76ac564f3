// A gate is a way to a server that can be cut: then whoever has come through is thrown out, and nobody comes in. It can
// also be muted: then what the server says goes nowhere, and nobody is told.

import { connect, createServer } from 'node:net';

export class Gate {
  #sockets = new Set();
  #open = true;
  #muted = false;

  constructor(host, port) {
    this.server = createServer((here) => {
      if (!this.#open) return here.destroy();
      const there = connect(port, host);
      for (const one of [here, there]) {
        this.#sockets.add(one);
        one.on('error', () => {}); // close follows
        one.on('close', () => {
          this.#sockets.delete(one);
          here.destroy();
          there.destroy();
        });
      }
      here.pipe(there);
      there.on('data', (b) => {
        if (!this.#muted) here.write(b);
      });
      there.on('end', () => here.end());
    });
  }

  /** listen returns the port that leads to the server. */
  listen() {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () => resolve(this.server.address().port));
    });
  }

  cut() {
    this.#open = false;
    for (const one of this.#sockets) one.destroy();
  }

  mute() {
    this.#muted = true;
  }

  mend() {
    this.#open = true;
    this.#muted = false;
  }

  close() {
    this.cut();
    this.server.close();
  }
}
