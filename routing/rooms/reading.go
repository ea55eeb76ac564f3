package rooms

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"limegrove/lime"
	"limegrove/prepared"
	"limegrove/room"
	"limegrove/routing/stream"
)

// catch reads a page for those seats that are behind and have room for more. It returns false
// when there are none.
func (h *hall) catch(c *catchUp) (again bool) {
	from, ok := h.catchFrom()
	if !ok {
		return false
	}
	page, state, err := h.page(c.ctx, from)
	c.trouble.note(err)
	if err == nil && h.takes(&page, state) {
		h.keeping.pause = 0
		return true
	}
	h.keeping.pause = min(max(2*h.keeping.pause, catchPause), catchPauseMax)
	t := time.NewTimer(h.keeping.pause)
	defer t.Stop()
	select {
	case <-c.ctx.Done():
	case <-t.C:
	}
	return true
}

// catchFrom returns behind which position is to be read. It is not ok when there is no need
// to; from then on whoever falls behind begins again.
//
// Positions are gone through upwards, to the end that there was when that began, and then
// again: so nobody is held up by those who begin at the bottom time and again.
func (h *hall) catchFrom() (from uint64, ok bool) {
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	k := h.keeping
	lowest := uint64(math.MaxUint64)
	from = lowest
	for _, s := range h.seats {
		if !s.behind || !s.ready {
			continue
		}
		ok = true
		lowest = min(lowest, s.position)
		if s.position >= k.read && s.position < k.until {
			from = min(from, s.position)
		}
	}
	if k.catching = ok; !ok {
		return 0, false
	}
	if from == math.MaxUint64 {
		from, k.until = lowest, k.last
	}
	k.read = from
	return from, true
}

// page reads what the room has behind a position, and then what the stream has at all.
func (h *hall) page(ctx context.Context, from uint64) (stream.Page, stream.RoomsState, error) {
	streams, k := h.shard.rooms.cfg.Streams, h.keeping
	ctx, cancel := context.WithTimeout(ctx, h.shard.rooms.cfg.Timeout)
	defer cancel()
	page, err := streams.ReadRoom(ctx, k.p, k.log, from+1, pageMessages, pageBytes)
	if err != nil {
		return page, stream.RoomsState{}, err
	}
	state, err := streams.RoomsState(ctx, k.p)
	return page, state, err
}

// takes hands a page out to those who lack it. It tells whether there is any use in reading
// on at once: there is none where a replica lacks what another has.
func (h *hall) takes(page *stream.Page, state stream.RoomsState) bool {
	var run prepared.Run
	h.shard.mu.Lock()
	lacking := 0
	for _, s := range h.seats {
		if s.behind && s.ready {
			lacking++
		}
	}
	h.shard.mu.Unlock()
	run.Reset(lacking)
	for _, m := range page.Messages {
		run.Add(stamped(m.Data, m.Sequence))
	}
	h.shard.mu.Lock()
	var given []*Seat
	k := h.keeping
	k.read = max(k.read, page.Through)
	total := len(page.Messages) + page.Pending
	through := page.Through // up to where they have all that the room has
	end := !page.More && through >= k.last
	for _, s := range h.seats {
		if !s.behind || !s.ready {
			continue
		}
		got := h.read(s, page.Messages, &run, state, total)
		if end && s.ready { // it has taken all
			s.position = max(s.position, k.last)
			s.behind, s.ready, s.forgiven, s.skip = false, false, false, 0
		}
		if got {
			given = append(given, s)
		}
	}
	h.shard.mu.Unlock()
	for _, s := range given {
		s.occupant.Flush()
	}
	return end || len(page.Messages) > 0 || page.More
}

// read hands one seat what it lacks of a page, of which the room has total messages from its
// begin on, and tells whether there was anything. The shard is locked.
func (h *hall) read(s *Seat, page []stream.Message, run *prepared.Run, state stream.RoomsState, total int) (got bool) {
	first := 0
	for first < len(page) && page[first].Sequence <= s.position {
		first++
	}
	if !s.forgiven && !proves(state, s.position, total-first) && s.position < state.Last {
		if !h.shard.hand(s, prepared.One(1, h.broken(s.position)), 0) {
			s.ready = false // it is told before anything that comes behind
			return false
		}
		h.shard.rooms.metrics.gaps.Inc()
		got, s.forgiven = true, true
	}
	for ; first < len(page) && (s.skip > 0 || page[first].Stored.Before(s.notBefore)); first++ {
		s.skip = max(0, s.skip-1)
		s.position = page[first].Sequence
	}
	if first == len(page) {
		return got
	}
	n, err := s.occupant.Hear(s, run, first, len(page))
	if n > 0 {
		h.shard.rooms.metrics.heard.Add(float64(n))
		got, s.forgiven, s.position = true, false, page[first+n-1].Sequence
	}
	if err != nil {
		s.ready = false // until its client has read
	}
	return got
}

// broken tells a client that something may be missing behind a position.
func (h *hall) broken(position uint64) []byte {
	d := room.NewDocument(h.key.domain, h.key.name)
	no := false
	d.Position, d.Continuous = position, &no
	resource, err := json.Marshal(&d)
	if err != nil {
		return nil // texts and numbers always can be
	}
	c := lime.Command{
		From: lime.ServerNode(nil, h.key.domain, h.shard.rooms.cfg.ID), Method: lime.MethodObserve, URI: "/rooms",
		Type: lime.MediaRoom, Resource: resource,
	}
	return c.AppendJSON(nil)
}
