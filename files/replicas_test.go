package files

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"limegrove/internal/natstest"
)

// The leader of a bucket steps down after each part of a file, and another edge goes on with it: what was taken is
// there, nothing is there twice, and who is late is told so by a stream with replicas, too.
func TestUploadOutlivesLeaders(t *testing.T) {
	servers := natstest.Cluster(t, 3)
	set := func(c *Config) { c.Buckets, c.Replicas = 1, 3 }
	edges := []*Store{open(t, servers.Connect(), set), open(t, servers.Connect(), set)}
	content := bytesOf(40_000)
	f := announce(t, edges[0], content)
	behind, _, err := edges[0].Resume(t.Context(), f.ID)
	must(t, err)
	const parts = 4
	late := time.After(time.Minute)
	again := func(err error) {
		t.Helper()
		select {
		case <-late:
			t.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	for part := 0; part < parts; {
		s := edges[part%2]
		u, _, err := s.Resume(t.Context(), f.ID)
		if err == nil {
			to := int64(part+1) * int64(len(content)) / parts
			_, err = u.ReadFrom(t.Context(), bytes.NewReader(content[u.Offset():to]), make([]byte, s.chunkSize))
		}
		if err != nil { // there is no leader yet: a client asks again where it stands
			again(err)
			continue
		}
		part++
		servers.StepDown(s.buckets[0].streamName())
	}
	for {
		u, _, err := edges[1].Resume(t.Context(), f.ID)
		if err == nil {
			_, err = u.Complete(t.Context())
		}
		if err == nil || errors.Is(err, ErrComplete) {
			break
		}
		again(err)
	}
	for _, s := range edges {
		wantContent(t, s, f.ID, content)
	}
	if _, err := behind.ReadFrom(t.Context(), bytes.NewReader(content), make([]byte, 1000)); !errors.Is(err, ErrConflict) {
		t.Errorf("one that is late: %v", err)
	}
}
