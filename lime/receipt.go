package lime

import "encoding/json"

// Events is a set of events, as a sender chooses it by the resource /receipt. The
// zero Events is what a sender gets who has chosen nothing: the five that a server
// may send unasked (L-RES-09). EventFailed is in every set: L-NOT-02.
type Events uint16

// allEvents are those of the zero Events.
const allEvents = Events(1<<EventAccepted | 1<<EventDispatched | 1<<EventReceived | 1<<EventConsumed | 1<<EventFailed)

// EventsOf returns the set of the given events and EventFailed.
func EventsOf(events ...Event) Events {
	s := Events(1 << EventFailed)
	for _, e := range events {
		s |= 1 << e
	}
	return s
}

// Has tells whether e is in the set.
func (s Events) Has(e Event) bool { return s.bits()>>e&1 != 0 }

// List returns the events in the order in which they happen to a message.
func (s Events) List() []Event {
	var all []Event
	for e := EventAccepted; int(e) < len(eventNames); e++ {
		if s.Has(e) {
			all = append(all, e)
		}
	}
	return all
}

func (s Events) bits() Events {
	if s == 0 {
		return allEvents
	}
	return s
}

// Receipt is the resource /receipt, application/vnd.lime.receipt+json.
type Receipt struct {
	Events Events
}

// MarshalJSON writes the events as an array of their names.
func (r Receipt) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Events []Event `json:"events"`
	}{r.Events.List()})
}

// ParseReceipt reads what a client sets. Unknown events and properties are left
// alone (L-RES-08). Absent events are the choice to have none made: the zero Events;
// an empty array leaves EventFailed. An error is a *Reason with
// CodeCommandInvalidArgument.
func ParseReceipt(b []byte) (Receipt, error) {
	var given struct {
		Events *[]string `json:"events"`
	}
	if err := json.Unmarshal(b, &given); err != nil {
		return Receipt{}, NewReason(CodeCommandInvalidArgument, "The receipt is malformed")
	}
	if given.Events == nil {
		return Receipt{}, nil
	}
	var known []Event
	for _, name := range *given.Events {
		if e := valueOf(eventNames, []byte(name)); e != 0 {
			known = append(known, Event(e))
		}
	}
	return Receipt{Events: EventsOf(known...)}, nil
}
