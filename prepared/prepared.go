// Package prepared holds envelopes that are on their way to many sessions of one edge, with the forms in which they
// leave it: a frame, a compressed frame, what a dialect makes of an envelope. Who makes such a form for the first
// of these sessions leaves it there, and the others of its kind take it. Whoever fans out knows no forms, and whoever
// knows them does not see the others.
package prepared

// Run is one or several envelopes, in their order, for the same sessions. It is used by one goroutine at a time, and
// again by Reset. It borrows the envelopes from Reset or Add until the next Reset; a form must have bytes
// of its own, since queues may refer to it for longer.
type Run struct {
	envelopes  [][]byte
	bytes      int
	recipients int
	forms      []form
}

type form struct{ of, is any }

// maxForms bounds the forms that are kept of one run: each recipient looks through them.
const maxForms = 8

// Reset makes r a run of no envelopes, for so many recipients, about.
func (r *Run) Reset(recipients int) {
	clear(r.envelopes)
	clear(r.forms)
	r.envelopes, r.forms = r.envelopes[:0], r.forms[:0]
	r.bytes, r.recipients = 0, recipients
}

// Add adds an envelope behind the others. No form has been made yet.
func (r *Run) Add(envelope []byte) {
	r.envelopes = append(r.envelopes, envelope)
	r.bytes += len(envelope)
}

// One returns a run of one envelope.
func One(recipients int, envelope []byte) *Run {
	return &Run{envelopes: [][]byte{envelope}, bytes: len(envelope), recipients: recipients}
}

// Len is how many envelopes there are.
func (r *Run) Len() int { return len(r.envelopes) }

// Bytes is how long they are together.
func (r *Run) Bytes() int { return r.bytes }

// Envelope is one of them.
func (r *Run) Envelope(i int) []byte { return r.envelopes[i] }

// Shared tells whether it is of use to make forms of all envelopes: there are several recipients.
func (r *Run) Shared() bool { return r.recipients > 1 }

// Form returns what was kept, or nil. What a form is of has to be comparable.
func (r *Run) Form(of any) any {
	for i := range r.forms {
		if r.forms[i].of == of {
			return r.forms[i].is
		}
	}
	return nil
}

// Keep keeps a form of all envelopes for the other recipients, while there is room for it.
func (r *Run) Keep(of, is any) {
	if len(r.forms) < maxForms {
		r.forms = append(r.forms, form{of, is})
	}
}
