package presence_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"limegrove/presence"
)

// way is one to a Redis that can lose its witnesses, and then the answer that tells so.
type way struct {
	net.Listener
	redis  *miniredis.Miniredis
	armed  atomic.Int32 // how often it will
	struck chan struct{}
	all    sync.WaitGroup
}

func newWay(t *testing.T, redis *miniredis.Miniredis) *way {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	w := &way{Listener: l, redis: redis, struck: make(chan struct{}, 10)}
	w.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.all.Go(func() { w.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.all.Wait()
	})
	return w
}

// serve passes on what comes, until it strikes.
func (w *way) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", w.redis.Addr())
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var answers sync.WaitGroup
	defer answers.Wait()
	var lost atomic.Bool
	answers.Go(func() {
		defer func() { _ = client.Close() }()
		b := make([]byte, 1<<16)
		for {
			n, err := server.Read(b)
			if err != nil || lost.Load() {
				return
			}
			if _, err := client.Write(b[:n]); err != nil {
				return
			}
		}
	})
	defer func() { _ = server.Close() }()
	b := make([]byte, 1<<16)
	for {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		if bytes.Contains(b[:n], []byte("lg:edge:e1:{")) && w.armed.Load() > 0 {
			w.armed.Add(-1)
			for _, key := range w.redis.Keys() {
				if strings.HasPrefix(key, "lg:edge:e1:{") {
					w.redis.Del(key)
				}
			}
			lost.Store(true)
			w.struck <- struct{}{}
		}
		if _, err := io.Copy(server, bytes.NewReader(b[:n])); err != nil {
			return
		}
	}
}

func TestALostPartIsNoticedThoughTheAnswerThatTellsIsLost(t *testing.T) {
	server := miniredis.RunT(t)
	w := newWay(t, server)
	s, err := presence.Open(presence.Config{
		URL: "redis://" + w.Addr().String(), Timeout: 30 * time.Second, LeaseTTL: time.Hour, LeaseEvery: 20 * time.Millisecond,
	})
	check(t, err)
	lost := make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.KeepLease(ctx, presence.Lease{Edge: "e1"}, func(context.Context) { lost <- struct{}{} })
	}()
	defer func() {
		cancel()
		check(t, <-done)
		check(t, s.Close())
	}()
	<-lost // the first

	// The library tries once more by itself.
	for strikes := int32(1); strikes <= 2; strikes++ {
		w.armed.Store(strikes)
		for range strikes {
			<-w.struck
		}
		select {
		case <-lost:
		case <-time.After(10 * time.Second):
			t.Fatalf("nobody is told after %d answers that were lost", strikes)
		}
	}
	select {
	case <-lost:
		t.Error("it is told once more")
	case <-time.After(100 * time.Millisecond):
	}
}
