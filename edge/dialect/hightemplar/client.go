package hightemplar

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"limegrove/edge/dialect"
	"limegrove/room"
)

// Client is one connection, from the moment that the backing API has let it in. It belongs
// to the connection's loop.
type Client struct {
	id      string // of the connection, which answers to what is no request bear
	allowed []room.Name
	exact   []room.Name           // those without a wildcard, sorted, when they are many; else nil
	wild    *room.Index[struct{}] // and the others
	max     int
	legacy  bool // see Config.Legacy

	subscriptions subscriptions
	entering      dialect.Subscription // one of them, which is not confirmed yet; zero for none
}

// NewClient returns a client that may subscribe to what allowed allows, to at most max rooms
// and ids at once.
func NewClient(id string, allowed []room.Name, maximum int) *Client {
	c := &Client{id: id, allowed: allowed, max: maximum}
	if len(allowed) <= few {
		return c
	}
	c.exact, c.wild = make([]room.Name, 0, len(allowed)), new(room.Index[struct{}])
	for _, n := range allowed {
		if n.Wild() {
			c.wild.Set(n, struct{}{})
		} else {
			c.exact = append(c.exact, n)
		}
	}
	slices.Sort(c.exact)
	return c
}

// few rooms are looked at one by one. Of more, those with a wildcard are in an index, which
// costs a connection ten times the memory of a sorted list.
const few = 32

// maxRequest is how long an id may be, in bytes. Each subscription keeps it.
const maxRequest = 1024

// Said is what is to be done about a frame. All of it may be zero.
type Said struct {
	Answer []byte                 // for the client
	Enter  dialect.Subscription   // of which Entered is to be told; the answer comes then
	Leave  []dialect.Subscription // which are over, before the answer
	Status bool                   // the answer is AppendStatus
	Pinged bool                   // and the hooks for it are to be called
	Close  bool                   // the connection is to be closed, without a reason
}

// Opened is the first frame: H-06, H-07.
func (c *Client) Opened() []byte {
	b := authorized(true, c.legacy)
	b = append(b, `,"allowed_rooms":[`...)
	for i, n := range c.allowed {
		if i > 0 {
			b = append(b, ',')
		}
		b = n.AppendJSON(b)
	}
	return append(b, "]}"...)
}

// Refused is the first and last frame of a client that is not let in: H-08. For legacy see
// Config.Legacy.
func Refused(legacy bool) []byte { return append(authorized(false, legacy), '}') }

// authorized begins a first frame.
func authorized(is, legacy bool) []byte {
	b := strconv.AppendBool([]byte(`{"is_authorized":`), is)
	if legacy {
		b = strconv.AppendBool(append(b, `,"is_authenticated":`...), is)
	}
	return b
}

// Answers, which clients compare.
var (
	success       = []byte(`{"code":"success"}`)
	roomNotFound  = []byte(`{"code":"error","message":"room-not-found"}`)
	noRequestID   = []byte(`{"code":"error","message":"no-request-id"}`)
	notSubscribed = []byte(`{"code":"error","message":"not-subscribed"}`)
)

// FromClient takes one message of the client, which it borrows. binary says that it came as
// such, in which a ping is no ping.
func (c *Client) FromClient(b []byte, binary bool) Said {
	if string(b) == "ping" && !binary { // H-11
		return Said{Answer: []byte("pong"), Pinged: true}
	}
	if !json.Valid(b) { // H-12
		return Said{Answer: c.complaint("non-json-message")}
	}
	request := membersOf(b)
	if request == nil {
		return Said{Close: true}
	}
	switch kindOf(request["type"]) {
	case '{', '[':
		return Said{Close: true}
	case '"':
	default:
		return Said{Answer: c.complaint("message-type-not-allowed")}
	}
	var kind string
	if json.Unmarshal(request["type"], &kind) != nil {
		return Said{Close: true}
	}
	switch kind {
	case "subscribe":
		return c.subscribe(request["room"], request["requestId"])
	case "unsubscribe":
		return c.unsubscribe(request["requestId"])
	case "status":
		return Said{Status: true}
	}
	return Said{Answer: c.complaint("message-type-not-allowed")} // H-13
}

// subscribe takes a request for a room.
func (c *Client) subscribe(asked, request json.RawMessage) Said {
	n, is, ok := roomOf(asked)
	if !is {
		return Said{Close: true}
	}
	id, given, hashable := requestID(request)
	switch {
	case !given:
		return Said{Answer: noRequestID} // H-16
	case !hashable:
		return Said{Close: true}
	case !ok || len(id) > maxRequest || !c.mayEnter(n):
		return Said{Answer: c.answer(roomNotFound, id)} // H-15
	}
	s := dialect.Subscription{Room: n, Request: id}
	switch {
	case c.subscriptions.has(s):
		return Said{Answer: c.answer(success, id)} // it is one
	case c.subscriptions.len() >= c.max:
		return Said{Answer: c.answer(roomNotFound, id)}
	}
	c.subscriptions.add(s)
	c.entering = s
	return Said{Enter: s}
}

// Entered is told whether the room of the last subscription was entered, and returns the
// answer to it.
func (c *Client) Entered(ok bool) []byte {
	s := c.entering
	if s == (dialect.Subscription{}) {
		return nil
	}
	c.entering = dialect.Subscription{}
	if !ok {
		c.subscriptions.remove(s)
		return c.answer(roomNotFound, s.Request)
	}
	return c.answer(success, s.Request) // H-14
}

// unsubscribe ends what was subscribed to under an id.
func (c *Client) unsubscribe(request json.RawMessage) Said {
	id, given, hashable := requestID(request)
	switch {
	case !given:
		return Said{Answer: noRequestID}
	case !hashable:
		return Said{Close: true}
	}
	said := Said{Answer: c.answer(success, id), Leave: c.subscriptions.end(id)} // H-27, H-29
	if len(said.Leave) == 0 {
		said.Answer = c.answer(notSubscribed, id) // H-28
	}
	return said
}

// mayEnter tells whether the backing API allows a room.
func (c *Client) mayEnter(n room.Name) bool {
	if c.wild == nil {
		return slices.ContainsFunc(c.allowed, func(allowed room.Name) bool { return allowed.Allows(n) })
	}
	if _, found := slices.BinarySearch(c.exact, n); found {
		return true
	}
	for range c.wild.Reached(n, room.Subscriber) {
		return true
	}
	return false
}

// answer is one to a request with an id, which it bears where it is to.
func (c *Client) answer(text []byte, id string) []byte {
	if !c.legacy {
		return text
	}
	return slices.Concat([]byte(`{"requestId":`), []byte(id), []byte{','}, text[1:])
}

// complaint is an answer that bears the id of the connection.
func (c *Client) complaint(message string) []byte {
	b := append([]byte(`{"requestId":`), quoted(c.id)...)
	return append(b, `,"code":"error","message":"`+message+`"}`...)
}

// AppendPublish appends what a subscription brings: H-23. data is one JSON value.
func AppendPublish(dst []byte, s dialect.Subscription, data []byte) []byte {
	dst = append(dst, `{"type":"publish","data":`...)
	dst = append(dst, data...)
	dst = append(dst, `,"requestId":`...)
	return append(append(dst, s.Request...), '}')
}

// roomOf reads what is to be a room: an object, or a list of pairs, which the original takes
// for one. is says that it is either, and ok that it is a room of ours.
func roomOf(v json.RawMessage) (n room.Name, is, ok bool) {
	switch kindOf(v) {
	case '{':
	case '[':
		var pairs [][2]json.RawMessage
		if json.Unmarshal(v, &pairs) != nil {
			return "", false, false
		}
		object := make(map[string]json.RawMessage, len(pairs))
		for _, p := range pairs {
			var key string
			if kindOf(p[0]) != '"' || json.Unmarshal(p[0], &key) != nil || p[1] == nil {
				return "", false, false
			}
			object[key] = p[1]
		}
		written, err := json.Marshal(object)
		if err != nil {
			return "", false, false
		}
		v = written
	default:
		return "", false, false
	}
	n, err := room.Of(v)
	return n, true, err == nil
}

// requestID returns an id as the client gets it back, whether there is one, and whether it
// is of a kind that can be one: no object and no list.
func requestID(v json.RawMessage) (id string, given, hashable bool) {
	switch kindOf(v) {
	case 0:
		return "", false, false
	case '{', '[':
		return "", true, false
	case '"': // one text for one id
		var text string
		if json.Unmarshal(v, &text) != nil {
			return "", true, false
		}
		return string(quoted(text)), true, true
	}
	return string(v), true, true
}

// membersOf returns the members of a JSON object, or nil when b is none. Unlike those of a
// struct, their names must be spelled right.
func membersOf(b []byte) (members map[string]json.RawMessage) {
	if kindOf(b) != '{' || json.Unmarshal(b, &members) != nil {
		return nil
	}
	return members
}

// kindOf is the first byte of a JSON value, which tells its kind; 0 when there is none.
func kindOf(v []byte) byte {
	v = bytes.TrimLeft(v, " \t\r\n")
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

func quoted(text string) json.RawMessage {
	b, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage(`""`) // a string always can be
	}
	return b
}
