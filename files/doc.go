// Package files keeps what people send each other beside envelopes: files, in parts, on
// JetStream, so that any edge can take the next part of an upload and give any part of a
// download.
//
// # What is where
//
// A description of each file is a document of the bucket "files": whose it is, what it is
// called, how long it is and will be kept. A second, small one beneath its owner's identity
// says how much room it takes: their sum is what is held against the owner's quota.
//
// The bytes are in JetStream's object store, in buckets of which a file has one by a hash of
// its id. A file is an ordinary object there once it is complete: its chunks are the messages
// of one subject, in order, so nats.go and the command nats read it too. What the library
// cannot do is to put one together in several requests, on several edges. So chunks are
// published here, and each has in its headers all that is needed to go on behind it: where it
// ends, and the state of SHA-256 up to there. A chunk and the state are one message: neither
// is ever there without the other, and there is nothing to be kept in step.
//
// Each chunk names the sequence of the one before, and JetStream refuses it when that is not
// the last of its subject. So two edges that are given the same file at once, the one a rest
// of a broken connection and the other the upload that goes on, cannot mix it: one of them
// goes on and the other is told [ErrConflict].
//
// Any place of a file is found by marks: the sequence of each eighth chunk, which the chunks
// carry along and the description has in the end.
//
// # How long
//
// A file that is not complete ends a day after it was announced, one that is complete after
// its lifetime. Sweep removes these; and JetStream removes what is older than both together by
// the buckets' maximum age, if nobody sweeps. When a file has ended it is gone for everybody at once:
// the description says so, whether the bytes are there or not.
//
// # Who may
//
// Tickets are tokens (JWT, HMAC with SHA-256) for one file and one deed, upload or download,
// that are good for an hour. All processes sign them with the same key, which the first
// of them has made and left in the bucket, so that nothing has to be configured: who can
// read that can read all files as well. A capability is the part of a link which nobody can
// guess, also made with the key. It is good for as long as the file: whoever was sent the link
// may have the file, and so may whoever they pass it on to, as with the file itself.
//
// # What it does not do
//
// It knows neither HTTP, which is files/transfer's, nor commands. It does not look into files,
// and makes no previews of them.
package files
