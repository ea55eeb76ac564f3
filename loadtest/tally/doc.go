// Package tally counts what becomes of messages, and how late they are.
//
// Counts are exact: every message is known by its stream and its number, and a [Stream] that
// goes well costs one number, however many messages it has. Delays are in HDR histograms, of
// which those of several processes are added up without losing anything.
package tally
