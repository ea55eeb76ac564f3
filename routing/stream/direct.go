package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// The headers and statuses of direct gets, as nats-server's stream.go writes them
// (getDirectRequest, getDirectMulti).
const (
	headerStatus      = "Status"
	headerDescription = "Description"
	headerSubject     = "Nats-Subject"
	headerSequence    = "Nats-Sequence"
	headerTime        = "Nats-Time-Stamp"
	headerLast        = "Nats-Last-Sequence" // of the message before in this answer, 0 for the first
	headerPending     = "Nats-Num-Pending"
	headerUpTo        = "Nats-UpTo-Sequence"

	statusEnd      = "204"
	statusNone     = "404"
	noResults      = "No Results"        // no subject of multi_last has a message
	noMessageFound = "Message Not Found" // no message from seq on; in multi_last: one could not be loaded
	statusNobody   = "503"
)

// silence is how long an answer may pause before it counts as cut off.
const silence = 5 * time.Second

// getRequest is the body of a direct get.
type getRequest struct {
	Seq       uint64     `json:"seq,omitempty"`
	StartTime *time.Time `json:"start_time,omitempty"` // in the place of Seq
	NextFor   string     `json:"next_by_subj,omitempty"`
	Batch     int        `json:"batch,omitempty"`
	MaxBytes  int        `json:"max_bytes,omitempty"`
	MultiLast []string   `json:"multi_last,omitempty"`
}

// answer is a whole answer: nothing of it is missing.
type answer struct {
	messages []Message
	found    bool   // some message matches, whether or not it is among messages
	pending  int    // how many match behind the last of messages
	upTo     uint64 // of multi_last: the replica's last sequence
}

// direct sends a direct get, which any replica may answer with at most room
// messages, and collects them until the end that the replica tells. An answer of
// which anything is missing matches ErrUnavailable.
func (s *Streams) direct(ctx context.Context, of side, req getRequest, room int) (answer, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return answer{}, err
	}
	c := s.replies.begin(room + 1) // and the end
	defer c.end()
	if err := s.nc.PublishRequest("$JS.API.DIRECT.GET."+of.stream, c.reply, body); err != nil {
		return answer{}, unavailable(err)
	}
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	var a answer
	for last := uint64(0); ; {
		var m *nats.Msg
		select {
		case m = <-c.answers:
		case <-quiet.C:
			return answer{}, fmt.Errorf("%w: cut off after %d messages", ErrUnavailable, len(a.messages))
		case <-ctx.Done():
			return answer{}, fmt.Errorf("%w: cut off after %d messages: %w", ErrUnavailable, len(a.messages), context.Cause(ctx))
		}
		quiet.Reset(silence)
		if status := m.Header.Get(headerStatus); status != "" {
			if status == statusNobody {
				s.Suspect(of.p)
			}
			err := a.end(m.Header, last, len(req.MultiLast) > 0)
			return a, err
		}
		got, err := parse(m)
		if err != nil {
			return answer{}, err
		}
		if before, err := number(m.Header, headerLast); err != nil || before != last || got.Sequence <= last {
			return answer{}, fmt.Errorf("%w: a gap between messages %d and %d", ErrUnavailable, last, got.Sequence)
		}
		last = got.Sequence
		a.messages = append(a.messages, got)
	}
}

// end takes the message without payload that ends an answer whose last message was
// last.
func (a *answer) end(h nats.Header, last uint64, multi bool) error {
	status, why := h.Get(headerStatus), h.Get(headerDescription)
	switch {
	case status == statusNobody:
		return fmt.Errorf("%w: no replica answers", ErrUnavailable)
	case status == statusNone && last == 0 && (why == noResults) == multi:
		return nil
	case status != statusEnd:
		return fmt.Errorf("%w: %s %s after message %d", ErrUnavailable, status, why, last)
	}
	through, err1 := number(h, headerLast)
	pending, err2 := number(h, headerPending)
	var err3 error
	if multi {
		a.upTo, err3 = number(h, headerUpTo)
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	if through != last {
		return fmt.Errorf("%w: got messages up to %d, not %d", ErrUnavailable, last, through)
	}
	a.found, a.pending = true, int(pending)
	return nil
}

// parse makes a Message of an answer to a direct get, and takes m.
func parse(m *nats.Msg) (Message, error) {
	seq, err := number(m.Header, headerSequence)
	if err != nil {
		return Message{}, err
	}
	stored, err := time.Parse(time.RFC3339Nano, m.Header.Get(headerTime))
	if err != nil {
		return Message{}, fmt.Errorf("message %d: %w", seq, err)
	}
	return Message{Subject: m.Header.Get(headerSubject), Sequence: seq, Stored: stored, Header: m.Header, Data: m.Data}, nil
}

func number(h nats.Header, name string) (uint64, error) {
	n, err := strconv.ParseUint(h.Get(name), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("header %s: %w", name, err)
	}
	return n, nil
}

// unavailable is the error of a request that could not be sent.
func unavailable(err error) error { return fmt.Errorf("%w: %w", ErrUnavailable, err) }
