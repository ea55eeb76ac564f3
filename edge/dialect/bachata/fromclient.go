package bachata

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"limegrove/lime"
)

// Config is what the channels of one endpoint have in common. Domain is required.
type Config struct {
	// Domain is what the channels are identities of.
	Domain string

	// Simple sends a message at most once: nothing waits for a channel that is away, and
	// nothing is confirmed. By default it waits until the receiver has confirmed it.
	Simple bool

	// SetFrom makes a message's from the channel of its sender, whatever it was. By default
	// it is left as it was.
	SetFrom bool
}

// Said is what becomes of a frame of a client. All of it may be nil.
type Said struct {
	Envelope []byte // for LIME's session
	Answer   []byte // for the client, before whatever comes of the envelope
	Drop     Drop
}

// Drop is why a frame comes to nothing; it is a label of metrics.
type Drop string

// The reasons.
const (
	NotDropped    Drop = ""
	DropMalformed Drop = "malformed"   // no JSON object with a type
	DropNoID      Drop = "no_id"       // a message that could not be told of
	DropIgnored   Drop = "ignored"     // what only the server may say, or a confirmation of nothing
	DropNowhere   Drop = "no_dest"     // it goes to no channel
	DropUnwanted  Drop = "unconfirmed" // a confirmation where none is wanted
)

// FromClient maps a frame, which it borrows. bachata answers what it cannot read by
// nothing, and so does this.
func (c *Config) FromClient(frame []byte) Said {
	o, ok := parse(frame)
	kind := o.get("type")
	if !ok || kind == nil || !utf8.Valid(frame) {
		return Said{Drop: DropMalformed} // B-22
	}
	switch number(kind) {
	case typePing: // B-03
		return Said{Answer: transport(typePong, nil)}
	case typeReceived:
		return c.received(o)
	case typeTaken, typeDelivered, typePong: // B-23
		return Said{Drop: DropIgnored}
	}
	return c.message(o) // whatever other number it is: B-24
}

// number returns a whole number, or 0 for anything else.
func number(v json.RawMessage) int {
	n, err := strconv.Atoi(string(v))
	if err != nil {
		return 0
	}
	return n
}

// isTransport tells whether a type is one of what is no message.
func isTransport(v json.RawMessage) bool {
	switch number(v) {
	case typeTaken, typeReceived, typeDelivered, typePing, typePong:
		return true
	}
	return false
}

// received maps the confirmation of a message to the notification of it.
func (c *Config) received(o object) Said {
	id := o.get("data")
	switch {
	case c.Simple: // B-26
		return Said{Drop: DropUnwanted}
	case id == nil:
		return Said{Drop: DropIgnored}
	}
	n := lime.Notification{ID: envelopeID(id), Event: lime.EventReceived} // to whom, the session knows
	return Said{Envelope: n.AppendJSON(nil)}
}

// message maps a message.
func (c *Config) message(o object) Said {
	id := o.get("id")
	if id == nil { // B-21
		return Said{Drop: DropNoID}
	}
	to, ok := c.destination(o.text("dest"))
	if !ok { // B-08
		return Said{Answer: transport(typeTaken, id), Drop: DropNowhere}
	}
	m := lime.Message{To: to}
	if text, plain := c.plain(o); plain {
		m.Type, m.Content = "text/plain", text
		if t := o.get("time"); t != nil {
			m.Metadata = lime.Metadata{metadataTime: string(t)}
		}
	} else {
		m.Type, m.Content = MediaMessage, o.appendTo(nil)
	}
	if c.Simple {
		return Said{Envelope: m.AppendJSON(nil), Answer: transport(typeTaken, id)}
	}
	m.ID = envelopeID(id)
	return Said{Envelope: m.AppendJSON(nil)}
}

// metadataTime has a message's time, in milliseconds since 1970.
const metadataTime = "bachata.time"

// plain returns the text of a message that is nothing but that.
func (c *Config) plain(o object) (text json.RawMessage, ok bool) {
	if c.Simple { // its id would be lost
		return nil, false
	}
	for _, m := range o {
		switch m.name {
		case "id", "dest":
		case "type":
			if o.text("type") != "text" {
				return nil, false
			}
		case "data":
			if m.value[0] != '"' {
				return nil, false
			}
			text = m.value
		case "time":
			if _, err := strconv.ParseInt(string(m.value), 10, 64); err != nil {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return text, text != nil
}

// transport returns a frame that is no message. A data of nil is left out.
func transport(kind int, data json.RawMessage) []byte {
	o := object{{"type", strconv.AppendInt(nil, int64(kind), 10)}}
	if data != nil {
		o = append(o, member{"data", data})
	}
	return o.appendTo(nil)
}
