// Package jobcontrol has a child process of a test stand still. A signal alone does not: it
// returns before the threads of the process have stopped, and a request may still be
// answered.
package jobcontrol
