package bachata

import (
	"encoding/json"
	"strings"

	"limegrove/lime"
)

// MediaMessage is the media type of a message that is no plain text: the object as it was
// sent.
const MediaMessage = "application/vnd.bachata.message+json"

// The integers that are a type of what is no message.
const (
	typeTaken     = 100
	typeReceived  = 200
	typeDelivered = 300
	typeReady     = 1000
	typePing      = 1001
	typePong      = 1002
)

// toLIME begins a destination that is an address of LIME.
const toLIME = "lime:"

// rawMark begins the id of an envelope that stands for an id that is no plain text.
const rawMark = "#"

// envelopeID returns the id of an envelope for a message's: a JSON value.
func envelopeID(id json.RawMessage) string {
	var text string
	if json.Unmarshal(id, &text) == nil && text != "" && !strings.HasPrefix(text, rawMark) && id[0] == '"' {
		return text
	}
	return rawMark + string(id)
}

// messageID undoes envelopeID.
func messageID(id string) json.RawMessage {
	if raw, ok := strings.CutPrefix(id, rawMark); ok && json.Valid([]byte(raw)) {
		return json.RawMessage(raw)
	}
	return quoted(id)
}

// quoted returns a text as JSON.
func quoted(text string) json.RawMessage {
	b, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage(`""`) // a string always can be
	}
	return b
}

// Channel returns the identity of a channel.
func (c *Config) Channel(name string) (lime.Identity, error) {
	return lime.ParseIdentity(string(lime.AppendEscapedName(nil, name)) + "@" + c.Domain)
}

// destination returns the node that a dest names; it is not ok when that is none.
func (c *Config) destination(dest string) (to lime.Node, ok bool) {
	if address, is := strings.CutPrefix(dest, toLIME); is {
		n, err := lime.ParseNode(address)
		return n, err == nil && n.Name != "" && n.Domain != ""
	}
	if dest == "" {
		return lime.Node{}, false
	}
	i, err := c.Channel(dest)
	return lime.Node{Identity: i}, err == nil
}

// nameOf is what a client knows a node by: the name of its channel, or its address.
func (c *Config) nameOf(n lime.Node) string {
	if strings.EqualFold(n.Domain, c.Domain) {
		if name, err := lime.UnescapeName(n.Name); err == nil {
			return name
		}
	}
	return toLIME + n.Identity.String()
}
