package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/sirupsen/logrus"

	"limegrove/internal/status"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// mostIgnored is how long a peer can be ignored for, at a time.
const mostIgnored = 24 * time.Hour

// peerOf is a peer as it is noted: an identity, a node or a domain, folded.
func peerOf(text string) (string, error) {
	n, err := lime.ParseNode(text)
	if !strings.Contains(text, "@") {
		n, err = lime.ParseNode("x@" + text)
	}
	if err != nil || n.Name == "" || n.Domain == "" || !strings.Contains(text, "@") && n.Instance != "" || lime.IsPostmaster(n.Name) {
		return "", status.Refusal{Status: http.StatusBadRequest, Text: "this is neither an identity, name@domain, nor a node nor a domain"}
	}
	return strings.ToLower(text), nil
}

// ignores are the peers from whom edges take nothing, for the status page.
type ignores struct{ p *Process }

// set ignores a peer for a time, or no more with 0, and tells all edges at once. It is that of status.Config.
func (s ignores) set(ctx context.Context, peer string, during time.Duration, by string) (status.Ignored, error) {
	at, err := peerOf(peer)
	if err != nil {
		return status.Ignored{}, err
	}
	if during < 0 || during > mostIgnored {
		return status.Ignored{}, status.Refusal{Status: http.StatusBadRequest, Text: fmt.Sprintf("the time is up to %s", mostIgnored)}
	}
	is := presence.Ignored{Peer: at, Until: time.Now().Add(during).Truncate(time.Millisecond), By: by}
	if during == 0 {
		all, err := s.p.Presence.Ignored(ctx)
		if err != nil {
			return status.Ignored{}, err
		}
		i := slices.IndexFunc(all, func(one presence.Ignored) bool { return one.Peer == at && !one.Stopped })
		if i < 0 {
			return status.Ignored{}, status.Refusal{Status: http.StatusNotFound, Text: at + " is not ignored"}
		}
		is.Until, is.Stopped = all[i].Until, true
	}
	err = s.p.Presence.Ignore(ctx, is, false)
	if errors.Is(err, presence.ErrTooManyIgnored) {
		err = status.Refusal{Status: http.StatusConflict, Text: err.Error()}
	}
	if err != nil {
		return status.Ignored{}, err
	}
	s.p.Log.WithFields(logrus.Fields{"peer": at, "until": is.Until.Format(time.RFC3339), "stopped": is.Stopped, "remote": by}).Warn("somebody has edges ignore a peer, or not any more")
	b, err := json.Marshal(is)
	if err == nil {
		err = s.p.NATS.Publish(subject.Ignored, b)
	}
	if err != nil {
		s.p.Log.WithError(err).Warn("edges hear later whom they are to ignore")
	}
	return shownIgnored(is), nil
}

// list are those who are ignored. It is that of status.Config.
func (s ignores) list(ctx context.Context) ([]status.Ignored, error) {
	all, err := s.p.Presence.Ignored(ctx)
	if err != nil {
		return nil, err
	}
	shown := []status.Ignored{}
	for _, one := range all {
		if !one.Stopped {
			shown = append(shown, shownIgnored(one))
		}
	}
	slices.SortFunc(shown, func(a, b status.Ignored) int { return strings.Compare(a.Peer, b.Peer) })
	return shown, nil
}

func shownIgnored(i presence.Ignored) status.Ignored {
	return status.Ignored{Peer: i.Peer, Until: i.Until.UTC(), By: i.By}
}

// ignoredEvery is how often an edge reads who is ignored, beside what it is told.
const ignoredEvery = 15 * time.Second

// FollowIgnored tells apply whom this edge ignores, when that is others than before, until ctx is done. What was told and what Redis
// has are one list: what Redis has lost, an edge that knows it brings again.
func (p *Process) FollowIgnored(ctx context.Context, apply func(peers []string)) error {
	told := make(chan *nats.Msg, 64) // the client library counts what does not fit; it is read again
	s, err := p.NATS.ChanSubscribe(subject.Ignored, told)
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", subject.Ignored, err)
	}
	defer func() { _ = s.Unsubscribe() }() // the connection may be closed
	f := following{store: p.Presence, log: p.Log, known: map[string]presence.Ignored{}, apply: apply}
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-told:
			var is presence.Ignored
			if json.Unmarshal(m.Data, &is) == nil && is.Peer != "" {
				f.known[is.Peer] = is
			}
		case <-again.C:
			if !time.Now().Before(f.due) {
				f.read(ctx)
			}
		}
		f.put(time.Now())
		again.Reset(f.next(time.Until(f.due)))
	}
}

// following is what an edge knows of those who are ignored.
type following struct {
	store interface {
		Ignored(ctx context.Context) ([]presence.Ignored, error)
		Ignore(ctx context.Context, i presence.Ignored, missing bool) error
	}
	log   logrus.FieldLogger
	known map[string]presence.Ignored
	apply func(peers []string)
	now   []string  // in force
	due   time.Time // when Redis is to be read next
}

// read takes what Redis has, and brings it what it has lost. What cannot be read stays as it is known.
func (f *following) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	all, err := f.store.Ignored(ctx)
	f.due = time.Now().Add(ignoredEvery + rand.N(ignoredEvery/4))
	if err != nil {
		f.due = time.Now().Add(time.Second)
		f.log.WithError(err).Debug("whom to ignore is read later")
		return
	}
	lost := f.known
	f.known = map[string]presence.Ignored{}
	for _, one := range all {
		f.known[one.Peer] = one
		delete(lost, one.Peer)
	}
	for peer, one := range lost {
		if !one.Until.After(time.Now()) {
			continue
		}
		f.known[peer] = one
		if err := f.store.Ignore(ctx, one, true); err != nil {
			f.log.WithError(err).Debug("whom to ignore is brought back later")
		}
	}
	f.put(time.Now())
}

// put puts in force what is known, without what is over.
func (f *following) put(now time.Time) {
	var peers []string
	for peer, one := range f.known {
		switch {
		case !one.Until.After(now):
			delete(f.known, peer)
		case !one.Stopped:
			peers = append(peers, peer)
		}
	}
	slices.Sort(peers)
	if !slices.Equal(peers, f.now) {
		f.log.WithField("peers", len(peers)).Warn("others are ignored than before")
		f.now = peers
		f.apply(peers)
	}
}

// next is when something is to be done: at the latest after a time, or when somebody is ignored no more.
func (f *following) next(most time.Duration) time.Duration {
	for _, one := range f.known {
		most = min(most, time.Until(one.Until)+time.Millisecond)
	}
	return max(most, time.Millisecond)
}
