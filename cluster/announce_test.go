package cluster

import (
	"fmt"
	"testing"
	"time"
)

func TestSmallChangesOfManySessionsAreNoNews(t *testing.T) {
	for _, row := range []struct {
		announced, sessions int
		news                bool
	}{
		{0, 0, false},
		{0, 1, true},
		{1, 0, true},
		{63, 62, true},
		{64, 63, false},
		{15_000, 15_234, false},
		{15_000, 15_300, true},
		{15_000, 14_766, false},
		{15_000, 14_700, true},
		{15_000, 0, true},
	} {
		if is := isNews(Member{ID: "edge-1", Sessions: row.announced}, Member{ID: "edge-1", Sessions: row.sessions}); is != row.news {
			t.Errorf("from %d to %d sessions: news %v", row.announced, row.sessions, is)
		}
	}
	if !isNews(Member{Sessions: 1000}, Member{Sessions: 1001, Draining: true}) {
		t.Error("a member drains, and that is no news")
	}
}

// However many members there are, each hears so many announcements a second.
func TestLargeClustersAnnounceLessOften(t *testing.T) {
	for members, want := range map[int]time.Duration{1: 3 * time.Second, 30: 3 * time.Second, 60: 6 * time.Second, 300: 30 * time.Second} {
		c := &Cluster{cfg: Config{UpdateInterval: 3 * time.Second}, members: map[string]Member{}}
		for i := range members {
			c.members[fmt.Sprint(i)] = Member{}
		}
		if got := c.updateInterval(); got != want {
			t.Errorf("%d members announce every %v, not %v", members, got, want)
		}
	}
}
