// Package stream knows how JetStream keeps the log and the inbox of each partition:
// how the streams are made, read, walked, copied and cleared. It knows nothing of
// sessions or of whom a message is for; an address is a subject.
package stream
