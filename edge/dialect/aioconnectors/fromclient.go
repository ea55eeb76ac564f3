package aioconnectors

import (
	"bytes"
	"encoding/base64"
	"slices"
	"unicode/utf8"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

// The types that are no application's.
const (
	kindAck    = "_ack"
	kindPing   = "_ping"
	kindPubSub = "_pubsub"

	kindDefault = "any"
)

// Why a frame comes to nothing, as metrics label it.
const (
	dropMalformed = "malformed"   // it is no frame, or one without what its type needs
	dropSource    = "source"      // it names somebody else as its source
	dropIgnored   = "ignored"     // its sender is
	dropType      = "type"        // its type is not taken
	dropNobody    = "no_service"  // it is for the server's application, and there is none
	dropNowhere   = "destination" // its destination cannot be an address
	dropTopic     = "topic"       // its topic can be none, or there are too many
	dropTooLong   = "too_long"    // its envelope would be longer than any may be
)

// FromClient is that of a dialect.
func (c *client) FromClient(b []byte, _ bool) dialect.Said {
	f := frames.Get().(*frame)
	defer f.done()
	if f.parse(b) != nil {
		return dialect.Said{Drop: dropMalformed, Close: true}
	}
	if source := f.header.get("source_id"); source != nil && string(f.header.text("source_id")) != c.name {
		return dialect.Said{Drop: dropSource}
	}
	c.learnServer(f.header.text("destination_id"))
	kind := string(f.header.text("message_type"))
	switch kind {
	case kindAck: // nothing of ours wants one
		return dialect.Said{}
	case kindPing:
		return c.ping(f)
	}
	said := dialect.Said{Drop: dropIgnored}
	if !c.ignored() {
		said = c.message(kind, f)
	}
	if said.Envelope == nil || c.cfg.Simple {
		if n := f.header.number("transport_id"); n > 0 && said.Answer == nil {
			said.Answer = appendAck(nil, c.serverName(), n)
		}
	}
	return said
}

// isServer tells whether a destination is the server, as connectors write its address.
func isServer(destination []byte) bool { return len(destination) == 0 || destination[0] == '(' }

// learnServer takes the address that the connector dialled for the server's name, which this
// edge may have under another one.
func (c *client) learnServer(destination []byte) {
	if len(destination) == 0 || !isServer(destination) || len(destination) > maxServer {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != string(destination) {
		c.server = string(destination)
	}
}

// maxServer bounds what a server is called: the longest host name, and a port.
const maxServer = 300

// ping answers a ping, or takes the answer to one: A-20.
func (c *client) ping(f *frame) dialect.Said {
	if !f.header.isTrue("await_response") {
		return dialect.Said{Proved: proved(string(f.header.text("response_id")))}
	}
	id := f.header.get("request_id")
	if id == nil {
		return dialect.Said{Drop: dropMalformed}
	}
	w := write(nil, kindPing)
	w.text("source_id", c.serverName())
	w.text("destination_id", c.name)
	w.raw("response_id", id)
	if f.binary != nil {
		w.raw("with_binary", []byte("true"))
	}
	if !w.headed() {
		return dialect.Said{Drop: dropMalformed}
	}
	w.part(f.data)
	if f.binary != nil {
		w.part(f.binary)
	}
	return dialect.Said{Answer: w.done()}
}

// message takes a message, a publication, or what is to be heard of.
func (c *client) message(kind string, f *frame) dialect.Said {
	var m message
	switch {
	case kind == kindPubSub && f.header.get("message_type_publish") == nil:
		return c.subscribe(f.data)
	case kind == kindPubSub:
		m.kind = string(f.header.text("message_type_publish"))
		n, ok := roomOf(m.kind)
		if !ok {
			return dialect.Said{Drop: dropTopic}
		}
		m.to = string(lime.AppendIdentity(nil, lime.Identity{Name: n.Address(), Domain: lime.RoomsDomain(c.cfg.Rooms)}))
		m.published = true
	case !c.takes(kind):
		return dialect.Said{Drop: dropType}
	default:
		m.kind = kind
		var drop string
		if drop = c.address(&m, f); drop != "" {
			return dialect.Said{Drop: drop}
		}
	}
	return c.send(&m, f)
}

// message is one on its way to its envelope.
type message struct {
	kind, to  string
	response  []byte // replaces response_id; nil when that stays
	published bool
}

// takes tells whether a message's type is taken.
func (c *client) takes(kind string) bool {
	return kind != "" && kind[0] != '_' && (len(c.cfg.Types) == 0 || slices.Contains(c.cfg.Types, kind))
}

// address finds whom a message is for: who has asked what it answers, whom it names, or the
// service. It returns why there is nobody.
func (c *client) address(m *message, f *frame) (drop string) {
	destination := f.header.text("destination_id")
	if id := f.header.get("response_id"); id != nil {
		c.mu.Lock()
		who, ok := c.requests.answer(m.kind, string(id))
		c.mu.Unlock()
		if ok {
			m.to, m.response = who.from, []byte(who.id)
			return ""
		}
	}
	switch {
	case isName(destination):
		i, ok := c.cfg.identity(string(destination))
		if !ok {
			return dropNowhere
		}
		m.to = i.String()
	case !isServer(destination) && bytes.IndexByte(destination, '@') >= 0:
		n, err := lime.ParseNode(string(destination))
		if err != nil || n.Name == "" || n.Domain == "" {
			return dropNowhere
		}
		m.to = n.String()
	case c.service == "":
		return dropNobody
	default:
		m.to = c.service
	}
	return ""
}

// send makes the envelope of a message. What somebody is to be told of, and what is to wait,
// has an id.
func (c *client) send(m *message, f *frame) dialect.Said {
	id, transport := "", f.header.number("transport_id")
	if !c.cfg.Simple && (!m.published || transport > 0) {
		id = c.nextID()
	}
	envelope, ok := envelopeOf(m, f, id)
	switch {
	case !ok:
		return dialect.Said{Drop: dropMalformed}
	case len(envelope) > c.cfg.MaxEnvelope:
		return dialect.Said{Drop: dropTooLong}
	}
	request := f.header.get("request_id")
	if request != nil || f.header.isTrue("await_response") {
		c.awaits(m.kind)
	}
	said := dialect.Said{Envelope: envelope}
	if id != "" && transport > 0 && !c.owe(unacked{number: c.count, transport: transport, kind: m.kind, request: string(request)}) {
		said.Answer = appendAck(nil, c.serverName(), transport)
	}
	return said
}

// awaits notes that the connector has sent a request of a type.
func (c *client) awaits(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.asked) >= maxTypes {
		return
	}
	if c.asked == nil {
		c.asked = map[string]struct{}{}
	}
	c.asked[kind] = struct{}{}
}

// MediaMessage is the media type of a message whose data is no text, or which has a binary
// part: {"data": "…"} with a text or an object, or {"data64": "…"} with base64, and
// "binary", with base64 as well.
const MediaMessage = "application/vnd.aioconnectors.message+json"

// envelopeOf returns the envelope. An object that cannot be content, since it nests too deeply
// for example, is text. It is not ok when the header cannot be metadata.
func envelopeOf(m *message, f *frame, id string) (envelope []byte, ok bool) {
	r := readers.Get().(*reader)
	defer r.done()
	envelope = make([]byte, 0, 512+len(f.data)+base64.StdEncoding.EncodedLen(len(f.binary)))
	for asObject := isObject(f.data); ; asObject = false {
		envelope = m.appendEnvelope(envelope[:0], f, id, asObject)
		_, err := r.header.Scan(envelope)
		if err == nil || !asObject {
			return envelope, err == nil
		}
	}
}

// isObject tells whether data looks like an object, from its first byte to its last.
func isObject(data []byte) bool {
	return len(data) >= 2 && data[0] == '{' && data[len(data)-1] == '}' && utf8.Valid(data)
}

func (m *message) appendEnvelope(dst []byte, f *frame, id string, asObject bool) []byte {
	dst = append(dst, '{')
	if id != "" {
		dst = append(append(append(dst, `"id":"`...), id...), `",`...)
	}
	dst = appendText(append(dst, `"to":`...), m.to)
	dst = append(dst, `,"type":"`...)
	dst = appendContent(dst, f, asObject)
	dst = append(dst, `,"metadata":{"`+metadataPrefix+`message_type":`...)
	dst = appendText(dst, m.kind)
	for _, one := range f.header {
		if ofHop(one.name) {
			continue
		}
		value := one.value
		if m.response != nil && string(one.name) == "response_id" {
			value = m.response
		}
		dst = append(append(append(dst, `,"`+metadataPrefix...), one.name...), `":`...)
		dst = appendMetadata(dst, value)
	}
	return append(dst, `}}`...)
}

// metadataPrefix begins the keys of what a message's header has.
const metadataPrefix = "aioconnectors."

// ofHop tells whether a member of a header is about one hop, or of another place in envelopes.
func ofHop(name []byte) bool {
	switch string(name) {
	case "message_type", "message_type_publish", "source_id", "destination_id", "transport_id", "wait_for_ack", "with_binary":
		return true
	}
	return false
}

// isText tells whether data is text. With characters that only control something it would be up to
// six times as long in JSON, where base64 adds a third, and hardly anybody would read it.
func isText(data []byte) bool {
	for _, c := range data {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return utf8.Valid(data)
}

// appendContent appends the rest of the type's text, and the content.
func appendContent(dst []byte, f *frame, asObject bool) []byte {
	text := asObject || isText(f.data)
	switch {
	case f.binary == nil && asObject:
		return append(append(dst, lime.MediaJSON+`","content":`...), f.data...)
	case f.binary == nil && text:
		return appendText(append(dst, lime.MediaText+`","content":`...), f.data)
	}
	dst = append(dst, MediaMessage+`","content":{`...)
	switch {
	case asObject:
		dst = append(append(dst, `"data":`...), f.data...)
	case text:
		dst = appendText(append(dst, `"data":`...), f.data)
	default:
		dst = append(base64.StdEncoding.AppendEncode(append(dst, `"data64":"`...), f.data), '"')
	}
	if f.binary != nil {
		dst = append(base64.StdEncoding.AppendEncode(append(dst, `,"binary":"`...), f.binary), '"')
	}
	return append(dst, '}')
}
