package lime

import "fmt"

// Kind is which of LIME's four envelopes an object is.
type Kind uint8

// The kinds, in the order in which they are told apart: the first of content,
// event, method and state that is present decides.
const (
	KindUnknown      Kind = iota // none of the four
	KindMessage                  // has content
	KindNotification             // has an event
	KindCommand                  // has a method
	KindSession                  // has a state
)

// Event is what a notification says happened to a message. The zero Event is
// an absent one.
type Event uint8

// The events. Only the first five may be sent by a server unasked: any other
// ends the receive loop of lime-go. It goes to who has named it: L-NOT-10.
const (
	EventAccepted   Event = iota + 1 // a hop has taken responsibility
	EventDispatched                  // a hop has handed it on to the destination
	EventReceived                    // it has arrived at the destination
	EventConsumed                    // it was read
	EventFailed                      // the reason says why
	EventDeleted                     // it was deleted; two implementations only
	EventValidated                   // obsolete
	EventAuthorized                  // obsolete
)

// Method is what a command does to a resource. The zero Method is an absent
// one.
type Method uint8

// The methods.
const (
	MethodGet         Method = iota + 1 // read
	MethodSet                           // create or replace
	MethodMerge                         // combine with what is stored
	MethodDelete                        // delete the resource or one value of it
	MethodSubscribe                     // be told of changes
	MethodUnsubscribe                   // no longer
	MethodObserve                       // a change, told one way: never answered
)

// CommandStatus tells a command's response from a request, which has none: its
// status is the zero CommandStatus.
type CommandStatus uint8

// The statuses of a response.
const (
	CommandSuccess CommandStatus = iota + 1
	CommandFailure               // the reason says why
)

// The names on the wire, in lower case; the index is the value.
var (
	kindNames   = []string{"unknown", "message", "notification", "command", "session"}
	eventNames  = []string{"", "accepted", "dispatched", "received", "consumed", "failed", "deleted", "validated", "authorized"}
	methodNames = []string{"", "get", "set", "merge", "delete", "subscribe", "unsubscribe", "observe"}
	statusNames = []string{"", "success", "failure"}
)

// String returns message, notification, command, session or unknown.
func (k Kind) String() string { return nameOf(kindNames, uint8(k)) }

// String returns the event as it is written in an envelope, "" for none.
func (e Event) String() string { return nameOf(eventNames, uint8(e)) }

// String returns the method as it is written in an envelope, "" for none.
func (m Method) String() string { return nameOf(methodNames, uint8(m)) }

// String returns the status as it is written in an envelope, "" for none.
func (s CommandStatus) String() string { return nameOf(statusNames, uint8(s)) }

// MarshalText returns the name on the wire.
func (e Event) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// MarshalText returns the name on the wire.
func (m Method) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// MarshalText returns the name on the wire.
func (s CommandStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts any case; an unknown name is an error that matches
// ErrMalformed.
func (e *Event) UnmarshalText(b []byte) error { return unmarshalName(eventNames, "event", b, e) }

// UnmarshalText accepts any case; an unknown name is an error that matches
// ErrMalformed.
func (m *Method) UnmarshalText(b []byte) error { return unmarshalName(methodNames, "method", b, m) }

// UnmarshalText accepts any case; an unknown name is an error that matches
// ErrMalformed.
func (s *CommandStatus) UnmarshalText(b []byte) error {
	return unmarshalName(statusNames, "status", b, s)
}

func nameOf(names []string, v uint8) string {
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%d", v)
}

func unmarshalName[E ~uint8](names []string, what string, b []byte, e *E) error {
	v := valueOf(names, b)
	if v == 0 {
		return fmt.Errorf("%w: %s %.32q", ErrMalformed, what, b)
	}
	*e = E(v)
	return nil
}

// valueOf returns the index of the name that b is in any case of ASCII
// letters, 0 when there is none.
func valueOf(names []string, b []byte) uint8 {
	for i := 1; i < len(names); i++ {
		if equalASCIIFold(b, names[i]) {
			return uint8(i)
		}
	}
	return 0
}

// equalASCIIFold tells whether b is the lower case name in any case.
func equalASCIIFold(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range b {
		if b[i] != name[i] && (b[i]|0x20 != name[i] || name[i] < 'a' || name[i] > 'z') {
			return false
		}
	}
	return true
}
