package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// patience is after how long without an answer a request is sent again: one that
// meets no leader is not always answered.
const patience = time.Second

// ask sends a request of JetStream's API, which the stream's leader answers, until
// it is answered or ctx ends. It must be one that may be sent twice. An answer that
// is an error is a *jetstream.APIError; the absence of one matches ErrUnavailable.
func (s *Streams) ask(ctx context.Context, subject string, req, resp any) error {
	body, err := json.Marshal(req)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		err = s.askOnce(ctx, subject, body, resp)
		if code(err) == jetstream.JSErrCodeStreamNotFound {
			s.suspectStream(subject[strings.LastIndexByte(subject, '.')+1:])
		}
		if err == nil || !Leaderless(err) {
			return err
		}
		if wait(ctx, n) != nil {
			return unavailable(err)
		}
	}
}

func (s *Streams) askOnce(ctx context.Context, subject string, body []byte, resp any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := s.nc.RequestWithContext(ctx, "$JS.API."+subject, body)
	if err != nil {
		return err
	}
	var failed struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &failed); err != nil {
		return err
	}
	if failed.Error != nil {
		return failed.Error
	}
	return json.Unmarshal(m.Data, resp)
}

// code is JetStream's number of an error, 0 when it is none of JetStream's.
func code(err error) jetstream.ErrorCode {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.ErrorCode
	}
	return 0
}

// LogBegin asks the leader for the first sequence that the log of partition p has, or
// would have.
func (s *Streams) LogBegin(ctx context.Context, p int) (uint64, error) {
	info, err := s.info(ctx, logOf(p), nil)
	if err != nil {
		return 0, fmt.Errorf("begin of %s: %w", logStream(p), err)
	}
	return info.State.FirstSeq, nil
}

// LogEnd asks the leader for the last sequence of the log of partition p. What was
// acknowledged before has no higher one, so a read through there has missed none of
// it. A leader that was deposed and has not noticed yet may be behind, for at most
// some 10 seconds.
func (s *Streams) LogEnd(ctx context.Context, p int) (uint64, error) { return s.end(ctx, logOf(p)) }

// InboxEnd is LogEnd for the inbox.
func (s *Streams) InboxEnd(ctx context.Context, p int) (uint64, error) { return s.end(ctx, inboxOf(p)) }

func (s *Streams) end(ctx context.Context, of side) (uint64, error) {
	info, err := s.info(ctx, of, nil)
	if err != nil {
		return 0, fmt.Errorf("end of %s: %w", of.stream, err)
	}
	return info.State.LastSeq, nil
}

func (s *Streams) info(ctx context.Context, of side, req any) (info jetstream.StreamInfo, err error) {
	err = s.ask(ctx, "STREAM.INFO."+of.stream, req, &info)
	return info, err
}

// leaderNext returns the first message from seq on that the leader has, with the
// whole of it. It matches ErrNotFound when there is none.
func (s *Streams) leaderNext(ctx context.Context, of side, seq uint64) (Message, error) {
	return s.leaderGet(ctx, of, getRequest{Seq: seq, NextFor: of.prefix + ">"})
}

func (s *Streams) leaderGet(ctx context.Context, of side, req getRequest) (Message, error) {
	const noMessage = 10037
	var resp struct {
		Message struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	err := s.ask(ctx, "STREAM.MSG.GET."+of.stream, req, &resp)
	if code(err) == noMessage {
		return Message{}, ErrNotFound
	}
	if err != nil {
		return Message{}, err
	}
	m := Message{Subject: resp.Message.Subject, Sequence: resp.Message.Seq, Stored: resp.Message.Time, Data: resp.Message.Data}
	if len(resp.Message.Header) > 0 {
		if m.Header, err = nats.DecodeHeadersMsg(resp.Message.Header); err != nil {
			return Message{}, fmt.Errorf("message %d: %w", m.Sequence, err)
		}
	}
	return m, nil
}
