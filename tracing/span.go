package tracing

import (
	"time"

	"limegrove/lime"
)

// Step is a part of an envelope's way.
type Step uint8

// The steps.
const (
	StepReceive Step = iota // an edge checks what a client has sent, and hands it on; or what a backend has
	StepForward             // it is published, for the edges that hold its recipient
	StepStore               // it is on its way into the log, until JetStream has it
	StepDeliver             // it is queued for a session
	StepFanOut              // its copies for a group's members are made, and stored or published
	StepFail                // its sender is told that it has reached nobody
	steps
)

var stepNames = [steps]string{"receive", "forward", "store", "deliver", "fan_out", "fail"}

// String names the step as spans do.
func (s Step) String() string { return stepNames[s] }

// Span is a step that is over. Nobody changes it then.
type Span struct {
	Context        // its own: the parent of the step after it
	Parent  SpanID // the step before it; zero when it is the first
	Step    Step

	Start, End time.Time

	// Of the envelope. Stored says that it is kept until it is acknowledged.
	Kind   lime.Kind
	ID     string
	Size   int
	Stored bool
	Copies int // that one step has made of it, for all in a room or a group; 0 for its own

	// Code is that of the reason for which the envelope went no further here, Dropped the name under which that is
	// counted. Zero: it did.
	Code    lime.Code
	Dropped string
}

// Failed tells whether the envelope went no further.
func (s *Span) Failed() bool { return s.Code != 0 || s.Dropped != "" }

// after is the step that follows another one, and begins now.
func (c Context) after(step Step, h *lime.Header, size int) *Span {
	return &Span{
		Context: Context{Trace: c.Trace, Span: newSpanID(), Flags: c.Flags}, Parent: c.Span, Step: step,
		Start: time.Now(), Kind: h.Kind, ID: string(h.ID), Size: size,
		Stored: step == StepStore,
	}
}
