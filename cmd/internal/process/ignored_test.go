package process

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/presence"
)

// noted is a store of who is ignored.
type noted struct {
	all  map[string]presence.Ignored
	away bool
}

func (n *noted) Ignored(context.Context) ([]presence.Ignored, error) {
	if n.away {
		return nil, errors.New("away")
	}
	return slices.Collect(maps.Values(n.all)), nil
}

func (n *noted) Ignore(_ context.Context, i presence.Ignored, missing bool) error {
	if _, is := n.all[i.Peer]; !is || !missing {
		n.all[i.Peer] = i
	}
	return nil
}

func TestWhatIsIgnoredOutlivesAFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := logrus.New()
		log.SetOutput(io.Discard)
		store := &noted{all: map[string]presence.Ignored{}}
		var applied [][]string
		f := following{store: store, log: log, known: map[string]presence.Ignored{}, apply: func(peers []string) { applied = append(applied, peers) }}
		in := func(d time.Duration) time.Time { return time.Now().Add(d) }
		want := func(what string, n int, peers ...string) {
			t.Helper()
			if len(applied) != n || !slices.Equal(f.now, peers) {
				t.Errorf("%s: %d times, at last %q, want %q", what, len(applied), f.now, peers)
			}
		}
		f.read(t.Context())
		want("nobody", 0)
		store.all["ana@x"] = presence.Ignored{Peer: "ana@x", Until: in(time.Minute)}
		f.read(t.Context())
		want("what was noted", 1, "ana@x")
		f.known["rui@x"] = presence.Ignored{Peer: "rui@x", Until: in(30 * time.Second)} // as it is told
		f.put(time.Now())
		want("what was told", 2, "ana@x", "rui@x")
		if next := f.next(time.Hour); next != 30*time.Second+time.Millisecond {
			t.Errorf("it looks again in %s", next)
		}

		store.all = map[string]presence.Ignored{}
		f.read(t.Context())
		want("a flush changes nothing", 2, "ana@x", "rui@x")
		if len(store.all) != 2 {
			t.Errorf("it has brought back %v", store.all)
		}
		store.away = true
		f.read(t.Context())
		want("nor does a store that is away", 2, "ana@x", "rui@x")
		store.away = false

		stopped := store.all["ana@x"]
		stopped.Stopped = true
		store.all["ana@x"] = stopped
		f.read(t.Context())
		want("what was taken back", 3, "rui@x")
		time.Sleep(31 * time.Second)
		f.put(time.Now())
		want("what is over", 4)
		time.Sleep(time.Minute)
		f.put(time.Now())
		if len(f.known) != 0 {
			t.Errorf("it still knows %v", f.known)
		}
	})
}

func TestPeers(t *testing.T) {
	for text, want := range map[string]string{
		"Ana@Example.org": "ana@example.org", "ana@example.org/Home": "ana@example.org/home", "Example.org": "example.org",
		"": "", "@x": "", "ana@": "", "example.org/x": "", "postmaster@example.org": "",
	} {
		if got, err := peerOf(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}
