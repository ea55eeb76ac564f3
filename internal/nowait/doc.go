// Package nowait makes system calls that do not wait, without a word to Go's scheduler.
//
// Package syscall tells the scheduler before and behind each call, since most calls may wait: when one takes longer than
// some 20 µs, the runtime's monitor, which has to look as often, gives its processor to others, and its goroutine has to
// find one when it comes back. To read from and write to a socket that does not block often takes as long, and yet waits
// for nobody: on loopback the system does the receiver's part in the sender's call. So the calls here keep their
// processor as long as they take, as if they were computing. The price is that nothing else runs on it meanwhile and
// that the garbage collector cannot stop it, so they are for some kilobytes at a time.
//
// Where a call has nothing to do, it fails with EAGAIN, and whoever has made it waits as it likes. [Conn] waits as
// package net does. The race detector does not learn that what was written was read.
package nowait
