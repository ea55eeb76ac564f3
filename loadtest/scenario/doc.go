// Package scenario is what the clients of a worker do once they are in session, and what is
// counted of it.
//
// A [Scenario] has the clients of one engine, and everything of it is called by that engine's loop.
// To add one: write its file here, and give it a name in the table of scenarios.go. What all
// workers together have counted is the sum of their [Result]s, so that a result has only what can
// be added up.
//
// Rates are open loop: message n is due at a moment, whatever has become of those before, and all
// delays count from that moment, so that a server, or a generator, that stops for a while is not
// forgiven what it held up. In a closed loop, where the coming of one message lets the next one
// be sent, a message is due when it is sent.
package scenario
