package aioconnectors

import (
	"bytes"
	"encoding/base64"
	"math"
	"strings"
	"sync"

	"limegrove/lime"
)

// reader is what it takes to read an envelope, which it borrows.
type reader struct {
	header   lime.Header
	envelope []byte
	metadata members
	content  members // of MediaMessage
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// done gives it back to the pool.
func (r *reader) done() {
	if max(cap(r.metadata), cap(r.content)) <= maxKept {
		r.envelope = nil
		readers.Put(r)
	}
}

// read reads an envelope. It is not ok when that is none.
func (r *reader) read(envelope []byte) (ok bool) {
	r.envelope, r.metadata, r.content = envelope, r.metadata[:0], r.content[:0]
	if _, err := r.header.Scan(envelope); err != nil {
		return false
	}
	if m := r.header.Metadata(envelope); m != nil {
		return r.metadata.parse(m)
	}
	return true
}

// carried returns a member of the header that came with the message, as JSON; nil when there is none.
func (r *reader) carried(name string) []byte {
	if v := r.metadata.get(metadataPrefix + name); v != nil {
		return fromMetadata(v)
	}
	return nil
}

// ToClient is that of a dialect.
func (c *client) ToClient(dst, envelope []byte) (frame []byte, ok bool) {
	r := readers.Get().(*reader)
	defer r.done()
	if !r.read(envelope) {
		return dst, false
	}
	switch r.header.Kind {
	case lime.KindSession:
		return append(dst, c.welcomed()...), true
	case lime.KindNotification:
		return c.acknowledged(dst, &r.header), true
	case lime.KindMessage:
		if c.ignored() {
			return dst, false
		}
		return c.toConnector(dst, r)
	}
	return dst, false
}

// welcomed returns what the connector is sent when its session begins, once.
func (c *client) welcomed() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.welcome
	c.welcome = nil
	return w
}

// acknowledged tells of a message that it is stored, or will never be.
func (c *client) acknowledged(dst []byte, h *lime.Header) []byte {
	if h.Event != lime.EventAccepted && h.Event != lime.EventFailed {
		return dst
	}
	n := c.numberOf(h.ID)
	return c.appendAckFor(dst, func(u *unacked) bool { return u.number == n })
}

// toConnector appends a message for the connector itself.
func (c *client) toConnector(dst []byte, r *reader) (frame []byte, ok bool) {
	from, err := lime.ParseNodeView(r.header.From)
	if err != nil {
		return dst, false
	}
	source := c.serverName()
	if s := c.cfg.Service; !strings.EqualFold(string(from.Name), s.Name) || !strings.EqualFold(string(from.Domain), s.Domain) {
		source = c.cfg.nameOf(from)
	}
	text, _ := textOf(r.metadata.get(metadataPrefix + "message_type"))
	kind := string(text)
	switch {
	case kind == "":
		kind = kindDefault
	case kind[0] == '_': // of a client of LIME that would speak as the server
		return dst, false
	}
	file := r.file()
	if file != nil && len(r.header.ID) > 0 && !c.tries.more(c.name, r.envelope) {
		file = nil
	}
	return c.appendMessage(dst, r, kind, source, file)
}

// appendMessage appends the frame of a message, and before it the acknowledgement of what it
// answers, if that is owed: A-19. file is its with_file; without one nothing of a file comes.
func (c *client) appendMessage(dst []byte, r *reader, kind, source string, file []byte) (frame []byte, ok bool) {
	response := c.response(kind, r)
	if response != nil {
		dst = c.appendAckFor(dst, func(u *unacked) bool { return u.kind == kind && u.request == string(response) })
	}
	w := write(dst, kind)
	w.text("source_id", source)
	w.text("destination_id", c.name)
	w.raw("request_id", c.request(kind, r))
	w.raw("response_id", response)
	for _, one := range r.metadata {
		name, is := bytes.CutPrefix(one.name, []byte(metadataPrefix))
		if !is || ofHop(name) || string(name) == "request_id" || string(name) == "response_id" || string(name) == "with_file" {
			continue
		}
		w.raw(string(name), fromMetadata(one.value))
	}
	most := math.MaxInt
	if file != nil {
		w.raw("with_file", padded(file))
	} else if left := r.file(); left != nil {
		most = beforeFile(left)
	}
	content := r.header.Content(r.envelope)
	ofParts := string(r.header.Type) == MediaMessage && r.content.parse(content)
	var binary []byte
	if ofParts && most > 0 {
		binary = r.content.get("binary")
	}
	if binary != nil {
		w.raw("with_binary", []byte("true"))
	}
	if !w.headed() || !w.content(r, content, ofParts) || binary != nil && !w.base64(binary, most) {
		return dst, false
	}
	return w.done(), true
}

// content appends the data behind the header. It is not ok when what is to be base64 is none.
func (w *writer) content(r *reader, content []byte, ofParts bool) (ok bool) {
	if !ofParts {
		return w.data(content)
	}
	if data64 := r.content.get("data64"); data64 != nil {
		return w.base64(data64, math.MaxInt)
	}
	return w.data(r.content.get("data"))
}

// data appends the text that a JSON value is, or else the JSON itself.
func (w *writer) data(value []byte) (ok bool) {
	if len(value) == 0 || value[0] != '"' {
		w.part(value)
		return true
	}
	at := w.open()
	w.b, ok = appendUnquoted(w.b, value)
	w.close(at)
	return ok
}

// base64 appends what a JSON value is the base64 of, and no more than so many bytes.
func (w *writer) base64(value []byte, most int) (ok bool) {
	text, ok := textOf(value)
	if !ok {
		return false
	}
	at := w.open()
	b, err := base64.StdEncoding.AppendDecode(w.b, text)
	if err != nil {
		return false
	}
	w.b = b[:at+min(len(b)-at, most)]
	w.close(at)
	return true
}

// request returns the request_id of a message for the connector; nil when it has none. Of one
// that waits for an answer it is noted, and is the message's id when there is no other.
func (c *client) request(kind string, r *reader) []byte {
	id := idOf(r.carried("request_id"))
	if !isTrue(r.carried("await_response")) || r.header.From == nil {
		return id
	}
	if id == nil {
		if len(r.header.ID) == 0 {
			return nil
		}
		id = appendText(nil, r.header.ID)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return []byte(c.requests.ask(kind, string(id), string(r.header.From)))
}

// idOf is an id, which is a number or a text: with anything else connectors end their connection.
func idOf(v []byte) []byte {
	if len(v) > 0 && (v[0] == '"' || v[0] == '-' || '0' <= v[0] && v[0] <= '9') {
		return v
	}
	return nil
}

func isTrue(v []byte) bool { return string(v) == "true" }

// response returns the response_id of a message for the connector; nil when it has none, or
// the connector has asked for nothing of that type: it would end its connection. A-25
func (c *client) response(kind string, r *reader) []byte {
	id := idOf(r.carried("response_id"))
	if id == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, has := c.asked[kind]; !has {
		return nil
	}
	return id
}
