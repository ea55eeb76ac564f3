// Package lime is the protocol's words: addresses, envelopes, reasons.
package lime
