// Package tracing follows single envelopes on their way, for those who have to find out where one was slow or lost.
//
// A client marks an envelope by the text traceparent in its metadata, as W3C Trace Context has it (https://www.w3.org/TR/trace-context/):
// the trace, the step before, and whether the trace is recorded. What says so is honoured: each [Step] of the way is a [Span], and
// becomes the parent of the next one. A traceparent has one width, so that this overwrites 16 characters of the envelope and nothing moves.
// Everything else of that name is carried as it came, and so is the text tracestate. The share of messages without any for which an edge
// begins a trace by itself are given one.
//
// A span is a record that is made when its step is over. It says which envelope it is of by the id, and nothing of
// what is in it, nor who sent it or to whom.
//
// A [Tracer] bounds what it makes and what waits, and counts what it leaves out; nothing on the way of an envelope waits for it.
// Where tracing is off there is none, and looking whether there is one is all that it costs. How spans leave is package otlp's.
package tracing
