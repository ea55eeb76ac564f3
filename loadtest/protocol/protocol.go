package protocol

// Protocol is what clients say over their WebSockets, and what they understand. Its methods
// are called by many loops at once, so it keeps nothing about a client: all that it needs is
// the client's number and what has just come.
//
// Each of its Append methods appends one WebSocket message to out and returns it grown, as
// append does. They borrow what they are given.
type Protocol interface {
	// Traits tells how its clients connect and what they can do. It is always the same.
	Traits() Traits

	// AppendLogin continues the login of client i: step 0 has no in, and comes when the
	// WebSocket is open; each further step is given the next part of what has come, and says
	// how much of that it has taken, 0 when it is not whole. done tells that the client is in
	// session, with all that makes others reach it. What is appended with it is still sent. An
	// error matches ErrBusy when the server asks the client to come back later.
	AppendLogin(out []byte, i, step int, in []byte) (grown []byte, taken int, done bool, err error)

	// AppendMessage says message m for client to.
	AppendMessage(out []byte, to int, m *Message) []byte

	// Read reads the first event of what has come for a client in session, and says how many
	// bytes it is done with: 0 when it is not whole, and then it is given those bytes again
	// in front of what comes next. It may change in, which the event may alias.
	Read(in []byte) (e Event, taken int, err error)
}

// Keeper is a Protocol whose server can keep a message until its recipient acknowledges it.
type Keeper interface {
	Protocol

	// AppendKept says message m for client to, which the server is to keep: it answers
	// Accepted, and tells the sender Dispatched and Received if it has these.
	AppendKept(out []byte, to int, m *Message) []byte

	// AppendReceipt tells the sender of a message, client to, that it was received.
	AppendReceipt(out []byte, to int, s Stamp) []byte
}

// Rooms is a Protocol whose server hands one message to all members of a room.
type Rooms interface {
	Protocol

	// AppendJoin has client i enter a room, of which it is told Joined.
	AppendJoin(out []byte, i, room int) []byte

	// AppendPublish says message m for all members of a room, the sender among them.
	AppendPublish(out []byte, room int, m *Message) []byte
}

// RoomKeeper is a Rooms whose server can keep what is said in a room.
type RoomKeeper interface {
	Rooms

	// AppendPublishKept is AppendPublish of a message that the room is to keep: the server answers
	// Accepted.
	AppendPublishKept(out []byte, room int, m *Message) []byte
}

// Commander is a Protocol whose clients can ask the server itself something.
type Commander interface {
	Protocol

	// AppendCommand asks it, of which the client is told Answered, or Failed.
	AppendCommand(out []byte) []byte
}

// Traits are what is so for all clients of a protocol.
type Traits struct {
	Name        string // in reports
	Path        string // of the WebSocket's request, with a query if there is one
	Subprotocol string // what it offers; "" for none
	Binary      bool   // messages are binary ones
	// Echo says that a message comes back to its sender and to nobody else: the other one of a
	// pair has no part in it.
	Echo bool
}

// Message is what one client says to another, or to a room.
type Message struct {
	Stamp Stamp
	Text  string // what else is in its content, of letters alone
}

// Kind is what an event tells.
type Kind uint8

// The kinds of events.
const (
	Nothing    Kind = iota // of what the swarm has no use for
	Delivered              // a message has come
	Accepted               // the server keeps a message of this client
	Dispatched             // the server has handed it out
	Received               // its recipient has acknowledged it
	Failed                 // the server will not deliver a message, for a Reason
	Joined                 // the client is in the room
	Answered               // a command is
	Ended                  // the session is over, for a Reason
)

// Event is one thing that a client is told.
type Event struct {
	Kind   Kind
	Stamp  Stamp  // of the message; of none where the client has asked something
	Reason []byte // may alias what was read
	Answer []byte // what the client has to answer, as one message; it is not changed
}
