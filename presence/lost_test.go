package presence_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"limegrove/internal/redistest"
	"limegrove/lime"
	"limegrove/presence"
)

// keptLease keeps a lease of e1 and registers 100 sessions whenever it is lost.
func keptLease(t *testing.T, url string) (s *presence.Store, lost chan struct{}) {
	t.Helper()
	s, err := presence.Open(presence.Config{
		URL: url, Timeout: time.Second, LeaseTTL: 20 * time.Second, LeaseEvery: 50 * time.Millisecond,
	})
	check(t, err)
	lost = make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.KeepLease(ctx, presence.Lease{Edge: "e1"}, func(ctx context.Context) {
			for i := range 100 {
				for ctx.Err() == nil {
					if _, _, err := s.Register(ctx, session(i), false); err == nil {
						break
					}
				}
			}
			lost <- struct{}{}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Log(err) // a lease that cannot be removed runs out
		}
		check(t, s.Close())
	})
	<-lost // the first
	return s, lost
}

func session(i int) presence.Registration {
	return presence.Registration{Node: lime.MustParseNode(fmt.Sprintf("user%d@x/1", i)), Edge: "e1", Session: "s1"}
}

// wantWhole waits until all sessions are registered.
func wantWhole(t *testing.T, s *presence.Store, lost chan struct{}) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		whole := 0
		for i := range 100 {
			if v, err := s.View(t.Context(), session(i).Node.Identity); err == nil && len(v.Registrations) == 1 {
				whole++
			}
		}
		if whole == 100 {
			return
		}
		select {
		case <-lost: // then look again
		case <-deadline:
			t.Fatalf("%d of 100 sessions are registered", whole)
		}
	}
}

func TestAMasterThatLostItsPartIsNoticed(t *testing.T) {
	cluster := redistest.StartCluster(t, 3, 3)
	s, lost := keptLease(t, cluster.URL())
	wantWhole(t, s, lost)
	for _, m := range cluster.Masters { // two of them do not hold the lease
		check(t, m.Client().FlushAll(t.Context()).Err())
		<-lost
		wantWhole(t, s, lost)
	}
	cluster.Masters[0].Stop() // its replica may lack the last writes
	<-lost
	wantWhole(t, s, lost)
}

func TestARedisThatRestartsFromAnOldCopyIsNoticed(t *testing.T) {
	server := redistest.Start(t, "--dbfilename", "copy.rdb")
	s, lost := keptLease(t, server.URL())
	check(t, server.Client().Save(t.Context()).Err())
	late := session(7)
	late.Session = "s2"
	_, _, err := s.Register(t.Context(), late, false) // is not in the copy
	check(t, err)
	server.Stop()
	server.Start()
	if left, err := server.Client().PTTL(t.Context(), "lg:edge:e1").Result(); err != nil || left <= 0 {
		t.Fatalf("the copy holds no lease: %v, %v", left, err)
	}
	<-lost
	wantWhole(t, s, lost)
}
