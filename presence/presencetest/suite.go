// Package presencetest is the conformance suite of package presence. It runs on
// every kind of Redis that Limegrove is used with.
package presencetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/presence"
)

// Redis is what the suite is run on. The functions fail the test when they do
// not succeed.
type Redis struct {
	URL    string
	Shares int                // among how many servers the keys are; 0 means one
	Flush  func(t testing.TB) // removes all keys
	Forget func(t testing.TB) // removes all scripts
	Stop   func(t testing.TB) // makes all of it be away
	Start  func(t testing.TB) // makes it be there again, empty or not
}

// Test runs the suite on r, one behaviour after the other.
func Test(t *testing.T, r Redis) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"RegisterReturnsTheWholeView", registerReturnsTheWholeView},
		{"EverythingASessionSaysComesBack", everythingComesBack},
		{"TheNewerSessionReplacesTheOlder", newerReplaces},
		{"TheOlderSessionKeepsItsNodeWhenAsked", olderKeeps},
		{"ADeadEdgesSessionKeepsNothing", deadKeepsNothing},
		{"SpellingsOfANodeAreOneRegistration", spellings},
		{"StrangeNamesDoNotMix", strangeNames},
		{"BadRegistrationsAreRefused", badRegistrations},
		{"OfManyAtOnceOneWins", manyAtOnce},
		{"OfManyAtOnceTheFirstKeeps", manyAtOnceKeep},
		{"AStaleSessionChangesNothing", staleSession},
		{"VersionsRiseForGood", versionsRise},
		{"ALeaseThatEndsVoidsItsRegistrations", leaseEnds},
		{"AnEdgeThatComesBackIsSeenAtOnce", edgeComesBack},
		{"KeepLeaseRenewsAndRemoves", keepLease},
		{"AfterAFlushTheOwnerRegistersAgain", flushed},
		{"SweepRemovesOnlyTheDead", sweepRemovesDead},
		{"SweepSparesWhatWasMadeMeanwhile", sweepSpares},
		{"SweepStopsAtItsLimit", sweepLimit},
		{"OfManySweepersOneReports", manySweepers},
		{"SweepLeavesWhatIsNoRegistration", sweepLeavesOthers},
		{"AGuestThatLeftWasSeen", guestsAreSeen},
		{"AGuestIsForgottenAfterItsGrace", graceEnds},
		{"AGuestIsToldFromAnAccount", strangeGuests},
		{"OfManyGuestsTheLastAreSeen", manyGuests},
		{"AGuestOfADeadEdgeWasSeen", deadGuestsAreSeen},
		{"AGuestIsNeverUnknownForAMoment", neverUnknown},
		{"FloorsOnlyRise", floorsRise},
		{"FloorsAreExact", floorsAreExact},
		{"BadFloorsAreRefused", badFloors},
		{"ManyFloorsAtOnce", manyFloors},
		{"FloorsThatNobodyRaisesEnd", floorsEnd},
		{"FloorsOfInstancesThatComeAndGoEnd", instancesComeAndGo},
		{"FloorsOfAnIdentityAreBounded", floorsAreBounded},
		{"FloorsRiseAgainAfterAFlush", floorsAfterAFlush},
		{"FloorsWhileAwayAreErrors", floorsWhileAway},
		{"OneHoldsALease", oneHolds},
		{"AHoldThatNobodyRenewsEnds", holdEnds},
		{"OfManyAtOnceOneHolds", manyWantToHold},
		{"WhatWasToldIsKnown", whatWasTold},
		{"WhoIsIgnoredIsNoted", ignoring},
		{"WhoIsInARoom", whoIsInARoom},
		{"TheDeadAreInNoRoom", deadInARoom},
		{"BadRoomsAreRefused", badRooms},
		{"RegistrationsAreReadWithoutLeases", registered},
		{"ManyIdentitiesAtOnce", manyIdentities},
		{"ForgottenScriptsAreSentAgain", forgotten},
		{"ACancelledCallDisturbsNobody", cancelled},
		{"AwayGivesErrorsAndHeals", away},
		{"ACloseEndsCalls", closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.Flush(t)
			w := &world{T: t, redis: r}
			w.store = w.open(presence.Config{LeaseTTL: time.Minute, Timeout: patience})
			c.run(t, w)
		})
	}
}

// patience is for what is bound to happen on a busy machine.
const patience = 30 * time.Second

// world is one case's store and Redis.
type world struct {
	*testing.T
	redis Redis
	store *presence.Store // its leases outlive the test unless they are removed
}

func (w *world) open(cfg presence.Config) *presence.Store {
	w.Helper()
	cfg.URL = w.redis.URL
	s, err := presence.Open(cfg)
	w.must("open", err)
	w.Cleanup(func() { _ = s.Close() })
	return s
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	w.Cleanup(cancel)
	return ctx
}

func (w *world) must(what string, err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%s: %v", what, err)
	}
}

// live makes leases for the edges.
func (w *world) live(edges ...presence.EdgeID) {
	w.Helper()
	for _, e := range edges {
		w.must("lease", w.store.PutLease(w.ctx(), presence.Lease{Edge: e}))
	}
}

// die makes a lease of e run out.
func (w *world) die(e presence.EdgeID) {
	w.Helper()
	s := w.open(presence.Config{LeaseTTL: 50 * time.Millisecond, LeaseEvery: 10 * time.Millisecond})
	w.must("lease", s.PutLease(w.ctx(), presence.Lease{Edge: e}))
	w.eventually("the lease ends", func() error {
		left, err := s.LeaseLeft(w.ctx(), e)
		if err == nil && left > 0 {
			err = fmt.Errorf("%v left", left)
		}
		return err
	})
}

func (w *world) eventually(what string, try func() error) {
	w.Helper()
	end := time.After(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-end:
			w.Fatalf("%s: %v", what, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// reg makes a registration of node, such as ana@x/1.
func reg(node string, edge presence.EdgeID, session string) presence.Registration {
	return presence.Registration{Node: lime.MustParseNode(node), Edge: edge, Session: session}
}

func (w *world) register(r presence.Registration) (presence.View, *presence.Registration) {
	w.Helper()
	v, replaced, err := w.store.Register(w.ctx(), r, false)
	w.must("register", err)
	return v, replaced
}

// registerAll registers many at once.
func (w *world) registerAll(all []presence.Registration) {
	w.Helper()
	if ok := each(len(all), func(i int) error {
		_, _, err := w.store.Register(w.ctx(), all[i], false)
		return err
	}); ok != len(all) {
		w.Fatalf("%d of %d registered", ok, len(all))
	}
}

func (w *world) view(identity string) presence.View {
	w.Helper()
	v, err := w.store.View(w.ctx(), lime.MustParseIdentity(identity))
	w.must("view", err)
	return v
}

// wantSessions checks the sessions of a view, in their order.
func (w *world) wantSessions(what string, v presence.View, want ...string) {
	w.Helper()
	var got []string
	for _, r := range v.Registrations {
		got = append(got, r.Session)
	}
	if !slices.Equal(got, want) {
		w.Errorf("%s: sessions %q, want %q", what, got, want)
	}
}

// logs collects what a store logs.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write is that of io.Writer.
func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.b.Bytes(), []byte(text))
}

func (l *logs) logger() logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(l)
	return log
}
