// Package backing is a platform's own API as high-templar has it: it is asked once about each
// client, what that one may enter, and may be told of those who come and go.
//
// It knows clients by the headers of their requests. A call has a time and there are so many
// at once; when it fails too often it is left alone for a moment, so that clients hear at once
// that they are not let in (package outcall). What it is told waits in queues of a bounded
// length, those of one connection in order; what does not fit is dropped and counted.
package backing
