package files

import (
	"bytes"
	"io"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/internal/natstest"
)

func TestMostOfAFile(t *testing.T) {
	nc := natstest.Start(t)
	for name, row := range map[string]struct {
		configured, most int64
	}{
		"by default": {0, 1 << 30},
		"the most":   {MostSize, 4 << 30},
		"less":       {1000, 1000},
	} {
		s := open(t, nc, func(c *Config) { c.MaxSize, c.Quota = row.configured, -1 })
		if s.MaxSize() != row.most {
			t.Errorf("%s: it is %d, want %d", name, s.MaxSize(), row.most)
		}
		_, err := s.Announce(t.Context(), ana, Announcement{Name: "a", Size: row.most})
		must(t, err)
		_, err = s.Announce(t.Context(), ana, Announcement{Name: "a", Size: row.most + 1})
		wantReason(t, name+": one byte more", err, 34)
	}
	s := open(t, nc)
	wantStored(t, s, 0) // what was announced costs nothing yet
	if _, err := Open(t.Context(), Config{NATS: nc, MaxSize: MostSize + 1}); err == nil {
		t.Error("files may be longer than they can be")
	}
}

// TestFileOfTheLargestSize has the end of one come, and be read: of what is before it nothing is stored.
func TestFileOfTheLargestSize(t *testing.T) {
	server := natstest.New(t)
	most := func(c *Config) { c.MaxSize, c.Quota = MostSize, -1 }
	one, two := open(t, server.Connect(), most), open(t, server.Connect(), most)
	f, err := one.Announce(t.Context(), ana, Announcement{Name: "a.bin", Size: MostSize})
	must(t, err)
	u, _, err := one.Resume(t.Context(), f.ID)
	must(t, err)
	u.offset = MostSize - 1500
	content := bytesOf(5000)
	source := bytes.NewReader(content)
	stored, err := u.ReadFrom(t.Context(), source, make([]byte, one.chunkSize))
	if err != nil || stored != 1500 || source.Len() != 3500 {
		t.Errorf("%d bytes were stored, and %d are left, %v", stored, source.Len(), err)
	}
	if u, _, err = two.Resume(t.Context(), f.ID); err != nil || u.Offset() != MostSize || !u.Whole() {
		t.Fatalf("it stands at %d, %v", u.Offset(), err)
	}
	if f, err = u.Complete(t.Context()); err != nil || f.Size != 4<<30 {
		t.Fatalf("it is %+v, %v", f, err)
	}
	r, _, err := one.Open(t.Context(), f.ID)
	must(t, err)
	_, err = r.Seek(-1200, io.SeekEnd)
	must(t, err)
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content[300:1500]) {
		t.Errorf("of its end %d bytes are read, %v", len(got), err)
	}
	objects, err := one.js.ObjectStore(t.Context(), one.bucketOf(f.ID).name)
	must(t, err)
	var info *jetstream.ObjectInfo
	if info, err = objects.GetInfo(t.Context(), string(f.ID)); err != nil || info.Size != 4<<30 {
		t.Errorf("the object is %+v, %v", info, err)
	}
}
