package stream

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A replica tells its last sequence only at the end of an answer to multi_last, and
// only if one of the subjects has a message. So each stream has one that all ask for
// besides: the mark, which is empty and republished to nobody. Who finds it missing
// makes it; a purge of the log takes it away now and then.

// publishAck is JetStream's answer to a publication.
type publishAck struct {
	Sequence  uint64              `json:"seq"`
	Duplicate bool                `json:"duplicate"`
	Error     *jetstream.APIError `json:"error"`
}

// setMark makes the mark, unless another has just done it.
func (s *Streams) setMark(ctx context.Context, of side) error {
	m := nats.NewMsg(of.mark())
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	if of.inbox {
		m.Header.Set(jetstream.MsgTTLHeader, "never")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply, err := s.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		s.Suspect(of.p)
		return fmt.Errorf("mark %s: %w", of.stream, unavailable(err))
	}
	var ack publishAck
	if err := json.Unmarshal(reply.Data, &ack); err != nil {
		return fmt.Errorf("mark %s: %w", of.stream, err)
	}
	if ack.Error != nil && !Taken(ack.Error) {
		return fmt.Errorf("mark %s: %w", of.stream, unavailable(ack.Error))
	}
	return nil
}
