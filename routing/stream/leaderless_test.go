package stream_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/internal/natstest"
	"limegrove/routing/stream"
)

func TestLeaderlessIsWhatPasses(t *testing.T) {
	const placement = "no suitable peers for placement"
	api := func(code jetstream.ErrorCode, description string) error {
		return &jetstream.APIError{ErrorCode: code, Description: description}
	}
	for _, c := range []struct {
		name   string
		err    error
		passes bool
	}{
		{"no error", nil, false},
		{"no leader", api(10008, "JetStream system temporarily unavailable"), true},
		{"another leads by now", api(10009, ""), true},
		{"some servers have not answered", api(10004, ""), true},
		{"a stream is offline", api(10118, "stream is offline"), true},
		{"a message is not yet agreed on", api(10163, ""), true},
		{"a server is away", api(10005, placement+", peer offline"), true},
		{"fewer servers than replicas", api(10005, placement), true},
		{"one is away, and the others are full", api(10005, placement+", peer offline, insufficient storage"), true},
		{"all are full", api(10005, placement+", insufficient storage"), false},
		{"it is full", api(10047, "insufficient storage resources available"), false},
		{"the account is full", api(10002, ""), false},
		{"replicas without a cluster", api(10074, ""), false},
		{"a stream that exists", jetstream.ErrStreamNameAlreadyInUse, false},
		{"a bucket that exists", jetstream.ErrBucketExists, false},
		{"no JetStream for the account", jetstream.ErrJetStreamNotEnabledForAccount, false},
		{"no JetStream", jetstream.ErrJetStreamNotEnabled, false},
		{"no responders", nats.ErrNoResponders, true},
		{"no answer in time", context.DeadlineExceeded, true},
		{"the library's own timeout", nats.ErrTimeout, true},
		{"no connection", nats.ErrDisconnected, true},
		{"none yet again", nats.ErrConnectionReconnecting, true},
		{"the connection is closed", nats.ErrConnectionClosed, false},
		{"nobody is allowed in", nats.ErrAuthorization, false},
		{"not allowed to ask", nats.ErrPermissionViolation, false},
		{"asked to end", context.Canceled, false},
		{"the package's own", stream.ErrUnavailable, true},
		{"the package's own for a reason that stays", fmt.Errorf("%w: %w", stream.ErrUnavailable, api(10047, "")), false},
		{"others of the package", stream.ErrFull, false},
	} {
		for _, err := range []error{c.err, fmt.Errorf("open accounts: %w", c.err)} {
			if got := stream.Leaderless(err); got != c.passes {
				t.Errorf("%s (%v): passes is %t", c.name, err, got)
			}
		}
	}
}

// alone is a server whose cluster has no leader: its only other member is away.
func alone(t *testing.T) *server.Options {
	t.Helper()
	var routes []*url.URL
	for range 2 {
		routes = append(routes, &url.URL{Scheme: "nats", Host: "127.0.0.1:1"}) // nobody listens
	}
	return &server.Options{
		ServerName: "alone", Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, Routes: routes,
		Cluster: server.ClusterOpts{Name: "alone", Host: "127.0.0.1", Port: server.RANDOM_PORT},
	}
}

func TestOpenWithoutALeaderMayBeTriedAgain(t *testing.T) {
	nc, metrics := natstest.With(t, alone(t)).Connect(), prometheus.NewRegistry()
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := stream.Open(ctx, stream.Config{NATS: nc, Metrics: metrics})
		cancel()
		if !errors.Is(err, stream.ErrUnavailable) || !stream.Leaderless(err) {
			t.Errorf("got %v, want one that passes", err)
		}
	}
	_, err := stream.Open(t.Context(), stream.Config{NATS: natstest.Start(t), Metrics: metrics})
	if err != nil {
		t.Errorf("where there is a leader: %v", err)
	}
}

func TestOpenSaysWhatNeverPasses(t *testing.T) {
	// An account without JetStream, at a server that has it.
	others := &server.Options{ServerName: "others", DontListen: true, JetStream: true, Accounts: []*server.Account{server.NewAccount("A")}}
	others.Users = []*server.User{{Username: "ana", Password: "x", Account: others.Accounts[0]}}
	// A user who may not ask.
	silent := &server.Options{ServerName: "silent", DontListen: true, JetStream: true}
	silent.Users = []*server.User{{Username: "ana", Password: "x", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{"$JS.API.>"}},
	}}}
	quiet := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	for _, c := range []struct {
		name string
		nc   *nats.Conn
		want error
	}{
		{"no JetStream", natstest.Bare(t), jetstream.ErrJetStreamNotEnabled},
		{"none for the account", natstest.With(t, others).Connect(nats.UserInfo("ana", "x")), jetstream.ErrJetStreamNotEnabledForAccount},
		{"no permission", natstest.With(t, silent).Connect(nats.UserInfo("ana", "x"), quiet), nats.ErrPermissionViolation},
		{"replicas without a cluster", natstest.Start(t), &jetstream.APIError{ErrorCode: 10074}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := stream.Open(t.Context(), stream.Config{NATS: c.nc, Replicas: 3})
			if !errors.Is(err, c.want) || stream.Leaderless(err) {
				t.Errorf("got %v, want %v, which does not pass", err, c.want)
			}
		})
	}
}
