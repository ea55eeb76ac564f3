package bachata

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"limegrove/edge/dialect"
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

	// Fanout has each message come to all sockets of a channel. By default they share its
	// messages, each of which comes to one.
	Fanout bool

	// Access is whom a channel is given to. Default AccessToken.
	Access Access

	// Origins are the pages that a browser may come from, as it says by Origin: "*" for all.
	// Default: those of the host that it asks.
	Origins []string
}

// Access is whom a channel is given to.
type Access string

// The accesses. In the first two, whoever decides about the scheme external decides.
const (
	AccessToken   Access = "token"   // who shows a token of it
	AccessWebhook Access = "webhook" // who comes by a request that the platform lets in
	AccessOpen    Access = "open"    // whoever names it
)

// Why a frame comes to nothing, as metrics label it.
const (
	dropMalformed = "malformed"   // no JSON object with a type
	dropNoID      = "no_id"       // a message that could not be told of
	dropIgnored   = "ignored"     // what only the server may say, or a confirmation of nothing
	dropNowhere   = "no_dest"     // it goes to no channel
	dropUnwanted  = "unconfirmed" // a confirmation where none is wanted
)

// fromClient maps a frame, which it borrows. bachata answers what it cannot read by
// nothing, and so does this.
func (c *Config) fromClient(frame []byte) dialect.Said {
	o, ok := parse(frame)
	kind := o.get("type")
	if !ok || kind == nil || !utf8.Valid(frame) {
		return dialect.Said{Drop: dropMalformed} // B-22
	}
	switch number(kind) {
	case typePing: // B-03
		return dialect.Said{Answer: transport(typePong, nil)}
	case typeReceived:
		return c.received(o)
	case typeTaken, typeDelivered, typePong: // B-23
		return dialect.Said{Drop: dropIgnored}
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
func (c *Config) received(o object) dialect.Said {
	id := o.get("data")
	switch {
	case c.Simple: // B-26
		return dialect.Said{Drop: dropUnwanted}
	case id == nil:
		return dialect.Said{Drop: dropIgnored}
	}
	n := lime.Notification{ID: envelopeID(id), Event: lime.EventReceived} // to whom, the session knows
	return dialect.Said{Envelope: n.AppendJSON(nil)}
}

// message maps a message.
func (c *Config) message(o object) dialect.Said {
	id := o.get("id")
	if id == nil { // B-21
		return dialect.Said{Drop: dropNoID}
	}
	to, ok := c.destination(o.text("dest"))
	if !ok { // B-08
		return dialect.Said{Answer: transport(typeTaken, id), Drop: dropNowhere}
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
		return dialect.Said{Envelope: m.AppendJSON(nil), Answer: transport(typeTaken, id)}
	}
	m.ID = envelopeID(id)
	return dialect.Said{Envelope: m.AppendJSON(nil)}
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
