package history

import "time"

// Kind is what an event is.
type Kind string

// The events, with the fields that they have besides At.
const (
	Begin Kind = "begin" // senders try to send from here on: Text, how the run was started; Fault, how many faults are to come
	Quiet Kind = "quiet" // nothing new is sent from here on, and all recipients come back
	End   Kind = "end"   // the last line: who is in session now has had time to get everything

	Joined Kind = "joined" // somebody is in a group for as long as the history is: From (the identity), To (the group); before anything is sent to it

	Established Kind = "established" // Session, Node, Edge, ID (LIME's of the session)
	Asked       Kind = "asked"       // the session sends its presence: Session, Text (the status)
	Present     Kind = "present"     // the presence was confirmed: likewise
	Ended       Kind = "ended"       // nothing is read from the session any more: Session, Text (why)

	Sent       Kind = "sent"       // one attempt to send a message: Session, ID, To, Seq
	Accepted   Kind = "accepted"   // a notification for the session: Session, ID, From
	Dispatched Kind = "dispatched" // likewise
	Received   Kind = "received"   // likewise
	Consumed   Kind = "consumed"   // likewise
	Failed     Kind = "failed"     // likewise, and Code
	Delivered  Kind = "delivered"  // a message for the session: Session, ID, From, To; Sender, Seq of its content

	FaultBegin Kind = "fault"  // Fault (its number), Name (its kind), Target
	FaultEnd   Kind = "healed" // likewise; what was away may need its time to be back
	Exit       Kind = "exit"   // a process has ended: Target, Name (its sort), Text and Status, Signal, Took, Ready
)

// What a process is, as the name of Exit.
const (
	Edge   = "edge"
	Router = "router"
	Broker = "broker"
	Redis  = "redis"
	Proxy  = "proxy" // one that makes the way of others slow
)

// What a process was sent to end it, as the signal of Exit; "" when it has ended by itself.
const (
	Terminated = "SIGTERM" // it may take its time, but not for ever: then it is killed
	Killed     = "SIGKILL"
)

// Why a session has ended, as the text of Ended.
const (
	Left      = "left"      // the client wants to be away for a while
	Abandoned = "abandoned" // the client has stopped reading for good, and not closed
	Replaced  = "replaced"  // the client has logged in elsewhere
	Cut       = "cut"       // the connection was lost, or given up
	Finished  = "finished"  // the server said so
	Refused   = "failed"    // the server said so
)

// Event is one line.
type Event struct {
	// At is when, since the recorder began; in nanoseconds in the file.
	At time.Duration `json:"at"`
	// Kind is what.
	Kind Kind `json:"event"`

	Session string `json:"session,omitempty"` // its name in the history
	Node    string `json:"node,omitempty"`    // name@domain/instance
	Edge    string `json:"edge,omitempty"`    // the name of its process
	ID      string `json:"id,omitempty"`      // a message's, or LIME's of a session
	From    string `json:"from,omitempty"`    // as the envelope says
	To      string `json:"to,omitempty"`      // name@domain, or a node
	Sender  string `json:"sender,omitempty"`  // as the content says
	Seq     int    `json:"seq,omitempty"`     // from 1 on, for each sender and address
	Code    int    `json:"code,omitempty"`    // LIME's reason
	Fault   int    `json:"fault,omitempty"`   // from 1 on
	Name    string `json:"name,omitempty"`    // a fault's kind, or the sort of a process
	Target  string `json:"target,omitempty"`  // what it is done to, or the name of a process
	Text    string `json:"text,omitempty"`

	Status int           `json:"status,omitempty"` // what a process has ended with; -1 by a signal
	Signal string        `json:"signal,omitempty"` // what a process was sent to end it
	Took   time.Duration `json:"took,omitempty"`   // from that to its end; in nanoseconds in the file
	Ready  bool          `json:"ready,omitempty"`  // it could do its work, at some time since it was started
}
