package hightemplar

import (
	"bytes"
	"slices"

	"limegrove/edge/dialect"
	"limegrove/lime"
	"limegrove/room"
)

// MediaData is the media type of a trigger's data that is neither an object nor a text, which
// LIME has no documents for: {"data": …}.
const MediaData = "application/vnd.hightemplar.data+json"

// metadataTrigger has an id of the trigger, where a subscription may get it by several of its
// rooms.
const metadataTrigger = "hightemplar.trigger"

// maxCovers is up to how many rooms of a trigger are held against each other: with more, clients
// of LIME may get it by several.
const maxCovers = 1000

// Publications returns the rooms that a trigger is published to where a side's wildcard stands
// for any value. Nobody's does: all that are listed. Else a subscription gets the trigger once
// (H-41): a room is left out that another one covers, and once says that those that are left
// have to be told apart by the trigger's id.
func (t *Trigger) Publications(sides room.Sides) (all []room.Name, once bool) {
	if sides == room.Neither {
		return t.Rooms, false
	}
	seen := make(map[room.Name]struct{}, len(t.Rooms))
	var wild []room.Name
	for _, n := range t.Rooms {
		if _, twice := seen[n]; twice {
			continue
		}
		seen[n] = struct{}{}
		all = append(all, n)
		if n.Wild() {
			wild = append(wild, n)
		}
	}
	if len(all) <= maxCovers && len(wild) > 0 {
		all = slices.DeleteFunc(all, func(n room.Name) bool {
			return slices.ContainsFunc(wild, func(w room.Name) bool { return w != n && w.Reaches(n, room.Publisher) })
		})
	}
	return all, len(all) > 1
}

// AppendEnvelope appends the message that brings the trigger to a room of a domain. It is
// from the domain's authority. id is the trigger's, where it counts, or "".
func (t *Trigger) AppendEnvelope(dst []byte, n room.Name, domain, id string) []byte {
	at := lime.Identity{Name: n.Address(), Domain: lime.RoomsDomain(domain)}
	m := lime.Message{
		From: lime.Node{Identity: at, Instance: lime.Postmaster + "%40" + domain}, To: lime.Node{Identity: at},
		Type: lime.MediaText, Content: t.Data,
	}
	switch kindOf(t.Data) {
	case '"':
	case '{':
		m.Type = lime.MediaJSON
	default:
		m.Type, m.Content = MediaData, slices.Concat([]byte(`{"data":`), t.Data, []byte{'}'})
	}
	if id != "" {
		m.Metadata = lime.Metadata{metadataTrigger: id}
	}
	return m.AppendJSON(dst)
}

// Publication is that of a dialect.Subscriber.
func (s *session) Publication(dst []byte, to dialect.Subscription, envelope []byte) (frame []byte, ok bool) {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil || h.Kind != lime.KindMessage {
		return dst, false
	}
	data := h.Content(envelope)
	if string(h.Type) == MediaData {
		data = membersOf(data)["data"]
	}
	if data == nil || s.hasHad(to, &h, envelope) {
		return dst, false
	}
	s.dialect.counts.published()
	return AppendPublish(dst, to, data), true
}

// hasHad tells whether an envelope has come to a subscription by another room, and notes that it
// comes now.
func (s *session) hasHad(to dialect.Subscription, h *lime.Header, envelope []byte) bool {
	if s.dialect.cfg.Wildcards == room.Neither || !bytes.Contains(envelope, []byte(metadataTrigger)) {
		return false
	}
	m, err := h.Message(envelope)
	if err != nil || m.Metadata[metadataTrigger] == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.had == nil {
		s.had = map[dialect.Subscription]*recently{}
	}
	r := s.had[to]
	if r == nil {
		r = &recently{}
		s.had[to] = r
	}
	return r.has(m.Metadata[metadataTrigger])
}

// recently are the last triggers that have come to a subscription. Those of several routers
// mix.
type recently struct {
	ids  [8]string
	next int
}

// has tells whether an id is one of them, and makes it the last.
func (r *recently) has(id string) bool {
	if slices.Contains(r.ids[:], id) {
		return true
	}
	r.ids[r.next] = id
	r.next = (r.next + 1) % len(r.ids)
	return false
}

// forget forgets what had come to a subscription that is over.
func (s *session) forget(to dialect.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.had, to)
}

// Missed is that of a dialect.Subscriber.
func (s *session) Missed() { s.dialect.counts.missed() }
