// Package lime is the protocol's words: addresses, envelopes, reasons.
//
// # Envelopes
//
// All that two peers say to each other is envelopes, one JSON object each. A
// message carries content, a notification tells what became of a message, a
// command asks for or changes a resource and is answered by another command,
// and a session envelope begins, shapes or ends the conversation itself. Who
// sends and who receives is a Node, name@domain/instance, or an Identity,
// which is a node without its instance and may have many sessions at once.
//
// # The header
//
// A server reads of an envelope only what routing needs: its Header. Scan
// checks the whole object, since a peer that gets broken JSON from us hears
// nothing more, but decodes nothing outside the header: neither content nor
// resource. An envelope leaves as the bytes in which it came, but for the
// addresses that the server has to set: see Header.AppendRewritten. What some
// peers cannot bear although others write it is mended on the way:
// Header.NeedsMending and Header.AppendMended.
//
// Scan is strict where two readers could understand the same bytes
// differently, because one of them checks who the sender is: it refuses a
// known member twice, or in another case, and text that is not UTF-8. It is
// lenient where nobody is deceived: unknown members, nulls, the case of
// enums, white space.
//
// Where a connection does not keep envelopes apart, a Splitter finds their
// ends; Scan then sees one whole envelope at a time.
//
// # Who owns the bytes
//
// Every function borrows the slices that it is given, and is done with them
// when it returns, with two exceptions that alias instead: a Header that was
// scanned, and a NodeView that was parsed. They are good while the bytes are
// unchanged; a Header's texts that had escapes are good until its next Scan.
// What is called Append… appends to its first argument and returns the longer
// slice. Nothing on the way of an envelope allocates.
//
// # The slow path
//
// Message, Notification, Command and Session are for where envelopes are made
// and answered. They are decoded with encoding/json, or made of a Header that was
// scanned (Header.Message and its siblings), and written by their AppendJSON; of the envelopes that servers make for every message, two
// functions write without a struct: AppendNotification and
// AppendCommandResponse.
//
// # What it does not do
//
// It does no I/O and keeps no state. It does not decide who may send what to
// whom, does not look into addresses that Scan finds (ParseNode does), does
// not know which states a session is in (State only says which moves exist),
// and bounds the depth of an envelope, but not its size: that is for who
// reads it.
//
// The rules that it keeps are cited by their numbers in LIME's conformance
// checklist: L-ADR for addresses, L-ENV for envelopes, and so on.
package lime
