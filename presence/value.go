package presence

import (
	"encoding/binary"
	"errors"
	"fmt"

	"limegrove/lime"
)

// A registration's value is made small, since Redis keeps a hash compact only
// while each of its values is at most 64 bytes:
//
//	length of edge (1 byte), edge
//	length of session (1 byte), session
//	any number of: tag (1 byte), length (uvarint), content
//
// The first two, the holder, are what the scripts compare. A session that is a
// UUID in its usual spelling takes 16 bytes and has the length 0x80+16. A tag
// that a reader does not know it skips; one that is absent means zero.
const (
	tagName     = 'n' // spelling of the node's name, when it is not the folded one
	tagDomain   = 'd' // likewise
	tagInstance = 'i' // likewise
	tagGuest    = 'g' // empty
	tagStatus   = 's' // one byte: index into statuses; else the text
	tagRule     = 'r' // one byte: index into rules; else the text
	tagMessage  = 'm' // text
	tagPriority = 'p' // varint
	tagFlags    = 'f' // one byte, see flagsOf
	tagSince    = 'c' // uvarint
	tagTakes    = 't' // see lime.Taken
)

const packed = 0x80 // set in the length of a session that is a packed UUID

var errMalformed = errors.New("malformed value")

// encodeValue returns the value of r, and how many bytes of it are the holder.
func encodeValue(r *Registration) (value []byte, holder int, err error) {
	if err := r.Edge.check(); err != nil {
		return nil, 0, err
	}
	b := make([]byte, 0, 64)
	b = append(b, byte(len(r.Edge)))
	b = append(b, r.Edge...)
	if b, err = appendSession(b, r.Session); err != nil {
		return nil, 0, err
	}
	holder = len(b)

	folded := r.Node.Fold()
	b = appendUnless(b, tagName, r.Node.Name, folded.Name)
	b = appendUnless(b, tagDomain, r.Node.Domain, folded.Domain)
	b = appendUnless(b, tagInstance, r.Node.Instance, folded.Instance)
	if r.Guest {
		b = append(b, tagGuest, 0)
	}
	p := &r.Presence
	b = appendEnum(b, tagStatus, p.Status, statuses)
	b = appendEnum(b, tagRule, p.RoutingRule, rules)
	b = appendUnless(b, tagMessage, p.Message, "")
	if p.Priority != 0 {
		var n [binary.MaxVarintLen64]byte
		w := binary.PutVarint(n[:], int64(p.Priority))
		b = append(b, tagPriority, byte(w))
		b = append(b, n[:w]...)
	}
	if f := flagsOf(p); f != 0 {
		b = append(b, tagFlags, 1, f)
	}
	if r.Since != 0 {
		var n [binary.MaxVarintLen64]byte
		w := binary.PutUvarint(n[:], r.Since)
		b = append(b, tagSince, byte(w))
		b = append(b, n[:w]...)
	}
	if r.Takes != nil {
		b = appendUnless(b, tagTakes, string(r.Takes.Append(nil)), "")
	}
	return b, holder, nil
}

// appendSession appends the session's part of a holder.
func appendSession(b []byte, session string) ([]byte, error) {
	if session == "" || len(session) > maxPart {
		return nil, fmt.Errorf("session %q: not 1 to %d bytes", session, maxPart)
	}
	if id, ok := packUUID(session); ok {
		return append(append(b, packed|byte(len(id))), id[:]...), nil
	}
	return append(append(b, byte(len(session))), session...), nil
}

// decodeValue reads a value. node is the folded one, which the key and the
// field tell.
func decodeValue(v string, node lime.Node) (r Registration, err error) {
	edge, v, ok := cut(v)
	if !ok {
		return r, errMalformed
	}
	r.Node, r.Edge = node, EdgeID(edge)
	if r.Session, v, ok = cutSession(v); !ok {
		return r, errMalformed
	}
	for v != "" {
		tag := v[0]
		size, n := uvarint(v[1:])
		if n <= 0 || size > uint64(len(v)-1-n) {
			return r, errMalformed
		}
		content := v[1+n : 1+n+int(size)]
		v = v[1+n+int(size):]
		r.set(tag, content)
	}
	return r, nil
}

func (r *Registration) set(tag byte, content string) {
	p := &r.Presence
	switch tag {
	case tagName:
		r.Node.Name = content
	case tagDomain:
		r.Node.Domain = content
	case tagInstance:
		r.Node.Instance = content
	case tagGuest:
		r.Guest = true
	case tagStatus:
		p.Status = enumOf(content, statuses)
	case tagRule:
		p.RoutingRule = enumOf(content, rules)
	case tagMessage:
		p.Message = content
	case tagPriority:
		n, _ := binary.Varint([]byte(content))
		p.Priority = int(n)
	case tagSince:
		r.Since, _ = uvarint(content)
	case tagTakes:
		r.Takes = lime.ParseTaken([]byte(content))
	case tagFlags:
		if content == "" {
			return
		}
		f := content[0]
		p.FilterByDistance = f&flagFilterByDistance != 0
		p.RoundRobin = f&flagRoundRobin != 0
		p.Echo = f&flagEcho != 0
		p.Promiscuous = f&flagPromiscuous != 0
	}
}

func cut(v string) (part, rest string, ok bool) {
	if v == "" || len(v)-1 < int(v[0]) {
		return "", "", false
	}
	n := 1 + int(v[0])
	return v[1:n], v[n:], true
}

func cutSession(v string) (session, rest string, ok bool) {
	if v == "" || v[0]&packed == 0 {
		return cut(v)
	}
	if v[0] != packed|16 || len(v) < 17 {
		return "", "", false
	}
	return unpackUUID(v[1:17]), v[17:], true
}

func uvarint(s string) (uint64, int) {
	return binary.Uvarint([]byte(s[:min(len(s), binary.MaxVarintLen64)]))
}
