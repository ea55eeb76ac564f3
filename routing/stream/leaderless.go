package stream

import (
	"context"
	"errors"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Leaderless tells the errors of a JetStream that cannot answer at the moment: one that
// is about to have a leader, or enough servers, or a connection. What was asked for may
// have happened or not, and may be asked for again. Any other error stays, however long
// one waits. It judges the errors of every client of JetStream, and of this package.
func Leaderless(err error) bool {
	const (
		incomplete   = 10004 // not all servers have answered the one that was asked
		noPeers      = 10005
		notAvailable = 10008
		notLeader    = 10009
		offline      = 10118
		unsettled    = 10163 // a subject has a message that is not yet agreed on
	)
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		switch api.ErrorCode {
		case incomplete, notAvailable, notLeader, offline, unsettled:
			return true
		case noPeers:
			return !roomless(api.Description)
		}
		return false
	}
	for _, passing := range []error{
		ErrUnavailable, context.DeadlineExceeded, nats.ErrNoResponders, nats.ErrTimeout, jetstream.ErrNoStreamResponse,
		nats.ErrDisconnected, nats.ErrConnectionReconnecting, errBeingMade,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// roomless tells that all servers for a stream are there, and have no room for it.
// JetStream has one code for all the reasons why it finds no servers, so that only the
// text tells them apart.
func roomless(description string) bool {
	return strings.Contains(description, "insufficient storage") && !strings.Contains(description, "peer offline")
}

// reason returns why a request that met nobody will never be answered, where that can
// be told, and err where it cannot. The errors that it finds are not [Leaderless].
func (s *Streams) reason(err error) error {
	if _, answered := errors.AsType[*jetstream.APIError](err); answered {
		return err
	}
	if !errors.Is(err, nats.ErrNoResponders) {
		// Who may not publish a request is told so apart from it, and waits in vain.
		if last := s.nc.LastError(); Leaderless(err) && errors.Is(last, nats.ErrPermissionViolation) {
			return last
		}
		return err
	}
	// An account without JetStream is answered where a server has it. In a cluster others may have JetStream, and come back.
	has, _ := s.nc.ConnectedServerJetStream()
	if !has && s.nc.ConnectedClusterName() == "" && s.nc.IsConnected() {
		return jetstream.ErrJetStreamNotEnabled
	}
	return err
}
