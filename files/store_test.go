package files

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"limegrove/internal/natstest"
	"limegrove/lime"
)

var ana = lime.Identity{Name: "ana", Domain: "example.org"}

// clock is a time that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// open opens a store of an edge's own, with chunks that are small.
func open(t *testing.T, nc *nats.Conn, change ...func(*Config)) *Store {
	t.Helper()
	cfg := Config{NATS: nc, Buckets: 2}
	for _, c := range change {
		c(&cfg)
	}
	s, err := Open(t.Context(), cfg)
	must(t, err)
	s.chunkSize = 1000
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bytesOf are so many that differ.
func bytesOf(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b) // it never fails
	return b
}

func announce(t *testing.T, s *Store, content []byte) File {
	t.Helper()
	sum := sha256.Sum256(content)
	f, err := s.Announce(t.Context(), ana, Announcement{Name: "a.bin", Type: "image/png", Size: int64(len(content)), SHA256: sum[:]})
	must(t, err)
	return f
}

// add has an edge take what comes from an offset on.
func add(t *testing.T, s *Store, id ID, from int64, r io.Reader) (*Upload, error) {
	t.Helper()
	u, _, err := s.Resume(t.Context(), id)
	must(t, err)
	if u.Offset() != from {
		t.Fatalf("the upload stands at %d, want %d", u.Offset(), from)
	}
	_, err = u.ReadFrom(t.Context(), r, make([]byte, s.chunkSize))
	return u, err
}

func put(t *testing.T, s *Store, content []byte) File {
	t.Helper()
	f := announce(t, s, content)
	u, err := add(t, s, f.ID, 0, bytes.NewReader(content))
	must(t, err)
	f, err = u.Complete(t.Context())
	must(t, err)
	return f
}

func wantContent(t *testing.T, s *Store, id ID, want []byte) {
	t.Helper()
	r, _, err := s.Open(t.Context(), id)
	must(t, err)
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("file %s has %d bytes that are %t, %v", id, len(got), bytes.Equal(got, want), err)
	}
}

func wantReason(t *testing.T, what string, err error, code lime.Code) {
	t.Helper()
	if r := lime.AsReason(err); r == nil || r.Code != code {
		t.Errorf("%s: %v, want reason %d", what, err, code)
	}
}

func TestUploadGoesOnAtAnotherEdge(t *testing.T) {
	server := natstest.New(t)
	one, two := open(t, server.Connect()), open(t, server.Connect())
	content := bytesOf(54_321)
	f := announce(t, one, content)
	broken := errors.New("the client is gone")
	for _, step := range []struct {
		at       *Store
		from, to int
		err      error
	}{
		{one, 0, 10_500, nil}, // a request that ends within a chunk
		{two, 10_500, 30_500, io.ErrUnexpectedEOF},
		{one, 30_500, 54_000, broken},
		{two, 53_500, 54_321, nil},
	} {
		var r io.Reader = bytes.NewReader(content[step.from:step.to])
		if step.err != nil {
			r = io.MultiReader(r, iotest.ErrReader(step.err))
		}
		if _, err := add(t, step.at, f.ID, int64(step.from), r); !errors.Is(err, step.err) {
			t.Fatalf("from %d to %d: %v, want %v", step.from, step.to, err, step.err)
		}
	}
	u, _, err := one.Resume(t.Context(), f.ID)
	must(t, err)
	if _, _, err := two.Open(t.Context(), f.ID); !errors.Is(err, ErrIncomplete) {
		t.Errorf("read before it is complete: %v", err)
	}
	done, err := u.Complete(t.Context())
	must(t, err)
	if !done.Complete || done.Name != "a.bin" || done.Type != "image/png" || !done.Expires.After(f.Expires) {
		t.Errorf("it is %+v", done)
	}
	for _, s := range []*Store{one, two} {
		wantContent(t, s, f.ID, content)
	}
	if _, _, err := two.Resume(t.Context(), f.ID); !errors.Is(err, ErrComplete) {
		t.Errorf("an upload of a complete file: %v", err)
	}
	if again, err := u.Complete(t.Context()); err != nil || again.Expires.UnixMilli() != done.Expires.UnixMilli() {
		t.Errorf("completed again: %+v, %v", again, err)
	}
}

func TestEveryRangeOfAFile(t *testing.T) {
	s := open(t, natstest.Start(t))
	content := bytesOf(30_000)
	other := bytesOf(9_000) // of a file that lies between
	f, g := announce(t, s, content), announce(t, s, other)
	a, b := bytes.NewReader(content), bytes.NewReader(other)
	for from := 0; from < len(content); from += 3000 {
		_, err := add(t, s, f.ID, int64(from), io.LimitReader(a, 3000))
		must(t, err)
		if from < len(other) {
			_, err = add(t, s, g.ID, int64(from), io.LimitReader(b, 3000))
			must(t, err)
		}
	}
	u, _, err := s.Resume(t.Context(), f.ID)
	must(t, err)
	_, err = u.Complete(t.Context())
	must(t, err)
	r, _, err := s.Open(t.Context(), f.ID)
	must(t, err)
	for _, at := range []struct{ from, n int }{{0, 1}, {999, 2}, {1000, 1000}, {7_999, 3}, {8_000, 4_000}, {29_999, 1}, {12_345, 10_000}, {5, 29_995}} {
		if _, err := r.Seek(int64(at.from), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, at.n)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, content[at.from:at.from+at.n]) {
			t.Errorf("%d bytes from %d are others: %v", at.n, at.from, err)
		}
	}
	if end, err := r.Seek(0, io.SeekEnd); err != nil || end != 30_000 {
		t.Errorf("the end is at %d, %v", end, err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("behind the end there are %d, %v", n, err)
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("a place before the file was found")
	}
}

// A file is what the object store has: others read it without knowing of us.
func TestFileIsAnObjectOfTheStore(t *testing.T) {
	nc := natstest.Start(t)
	s := open(t, nc)
	content := bytesOf(12_345)
	f := put(t, s, content)
	js, err := jetstream.New(nc)
	must(t, err)
	o, err := js.ObjectStore(t.Context(), s.bucketOf(f.ID).name)
	must(t, err)
	got, err := o.GetBytes(t.Context(), string(f.ID)) // which looks at the digest
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("the object has %d bytes, %v", len(got), err)
	}
}

// Of two edges that are given the same place, one stores and the other is told.
func TestTwoEdgesDoNotMixAFile(t *testing.T) {
	server := natstest.New(t)
	one, two := open(t, server.Connect()), open(t, server.Connect())
	content := bytesOf(5000)
	f := announce(t, one, content)
	a, _, err := one.Resume(t.Context(), f.ID)
	must(t, err)
	b, _, err := two.Resume(t.Context(), f.ID)
	must(t, err)
	_, err = a.ReadFrom(t.Context(), bytes.NewReader(content[:2000]), make([]byte, 1000))
	must(t, err)
	if n, err := b.ReadFrom(t.Context(), bytes.NewReader(bytesOf(4999)), make([]byte, 1000)); n != 0 || !errors.Is(err, ErrConflict) {
		t.Errorf("the other has stored %d bytes, %v", n, err)
	}
	if n, err := b.ReadFrom(t.Context(), bytes.NewReader(content), make([]byte, 1000)); n != 0 || !errors.Is(err, ErrConflict) {
		t.Errorf("and goes on with %d bytes, %v", n, err)
	}
	u, err := add(t, two, f.ID, 2000, bytes.NewReader(content[2000:]))
	must(t, err)
	_, err = u.Complete(t.Context())
	must(t, err)
	wantContent(t, one, f.ID, content)
}

func TestFileIsWhatWasAnnounced(t *testing.T) {
	s := open(t, natstest.Start(t))
	content := bytesOf(3000)
	f := announce(t, s, content)
	content[1234]++
	u, err := add(t, s, f.ID, 0, io.MultiReader(bytes.NewReader(content), bytes.NewReader([]byte("and more"))))
	must(t, err)
	if u.Offset() != 3000 {
		t.Errorf("%d bytes are stored of 3000", u.Offset())
	}
	if _, err := u.Complete(t.Context()); !errors.Is(err, ErrDigest) {
		t.Errorf("with another digest: %v", err)
	}
	if _, err := s.Describe(t.Context(), f.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}
	wantStored(t, s, 0)

	// Without a digest it has whatever comes.
	g, err := s.Announce(t.Context(), ana, Announcement{Name: "b", Size: 3000})
	must(t, err)
	u, err = add(t, s, g.ID, 0, bytes.NewReader(content[:2999]))
	must(t, err)
	if _, err := u.Complete(t.Context()); !errors.Is(err, ErrIncomplete) {
		t.Errorf("a byte is missing: %v", err)
	}
	u, err = add(t, s, g.ID, 2999, bytes.NewReader(content[2999:]))
	must(t, err)
	g, err = u.Complete(t.Context())
	must(t, err)
	if sum := sha256.Sum256(content); !bytes.Equal(g.SHA256, sum[:]) {
		t.Errorf("its digest is %x", g.SHA256)
	}
}

// wantStored wants so many messages in all buckets.
func wantStored(t *testing.T, s *Store, want uint64) {
	t.Helper()
	n := uint64(0)
	for _, b := range s.buckets {
		info, err := b.stream.Info(t.Context())
		must(t, err)
		n += info.State.Msgs
	}
	if n != want {
		t.Errorf("%d messages are stored, want %d", n, want)
	}
}

func TestTinyPiecesAreBounded(t *testing.T) {
	s := open(t, natstest.Start(t))
	f := announce(t, s, bytesOf(5000))
	u, _, err := s.Resume(t.Context(), f.ID)
	must(t, err)
	for n := 0; n < 5000; n++ {
		if _, err = u.ReadFrom(t.Context(), bytes.NewReader([]byte("x")), make([]byte, 1000)); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrPieces) || u.Offset() != 2*5+spareChunks {
		t.Errorf("%d bytes came one by one, %v", u.Offset(), err)
	}
}

func TestWhatNoFileCanBe(t *testing.T) {
	s := open(t, natstest.Start(t), func(c *Config) { c.MaxSize = 100 })
	for name, row := range map[string]struct {
		a    Announcement
		code lime.Code
	}{
		"no name":                {Announcement{Size: 1}, 64},
		"a name over two lines":  {Announcement{Name: "a\nb", Size: 1}, 64},
		"a name that is no text": {Announcement{Name: "a\xff", Size: 1}, 64},
		"a long name":            {Announcement{Name: string(make([]byte, 256)), Size: 1}, 64},
		"no type":                {Announcement{Name: "a", Type: "image", Size: 1}, 64},
		"a type with a header":   {Announcement{Name: "a", Type: "image/png\r\nX: y", Size: 1}, 64},
		"nothing":                {Announcement{Name: "a"}, 64},
		"less than nothing":      {Announcement{Name: "a", Size: -1}, 64},
		"half a digest":          {Announcement{Name: "a", Size: 1, SHA256: make([]byte, 16)}, 64},
		"too much":               {Announcement{Name: "a", Size: 101}, 34},
	} {
		_, err := s.Announce(t.Context(), ana, row.a)
		wantReason(t, name, err, row.code)
	}
	f, err := s.Announce(t.Context(), ana, Announcement{Name: "Relatório (1).pdf", Size: 100})
	if err != nil || f.Type != "application/octet-stream" {
		t.Errorf("it is %+v, %v", f, err)
	}
}

func TestQuotaOfAnIdentity(t *testing.T) {
	time := &clock{now: time.Now()}
	s := open(t, natstest.Start(t), func(c *Config) { c.Quota, c.MaxFiles, c.now = 1000, 3, time.Now })
	try := func(owner lime.Identity, size int64) error {
		_, err := s.Announce(t.Context(), owner, Announcement{Name: "a", Size: size})
		return err
	}
	must(t, try(ana, 600))
	wantReason(t, "beyond the quota", try(ana, 401), 34)
	must(t, try(ana, 300))
	must(t, try(lime.Identity{Name: "rui", Domain: "example.org"}, 900))
	must(t, try(lime.Identity{Name: "ANA", Domain: "example.org"}, 99))
	wantReason(t, "one file too many", try(ana, 1), 34)
	all, err := s.List(t.Context(), ana)
	if err != nil || len(all) != 3 {
		t.Fatalf("there are %d, %v", len(all), err)
	}
	must(t, s.Remove(t.Context(), all[0].ID))
	must(t, try(ana, 1))
	time.add(UploadTime + 1)
	must(t, try(ana, 1000)) // what has not come has given its room back
}

func TestQuotaHoldsForSeveralAtOnce(t *testing.T) {
	server := natstest.New(t)
	s := open(t, server.Connect(), func(c *Config) { c.Quota = 5 })
	var in sync.WaitGroup
	for range 20 {
		in.Go(func() {
			_, err := s.Announce(t.Context(), ana, Announcement{Name: "a", Size: 1})
			if r := lime.AsReason(err); err != nil && (r == nil || r.Code != 34) {
				t.Error(err)
			}
		})
	}
	in.Wait()
	all, err := s.List(t.Context(), ana)
	if err != nil || len(all) > 5 {
		t.Errorf("there are %d, %v", len(all), err)
	}
}

func TestSweepRemovesWhatIsOver(t *testing.T) {
	time := &clock{now: time.Now()}
	s := open(t, natstest.Start(t), func(c *Config) { c.now = time.Now })
	content := bytesOf(2500)
	half := announce(t, s, content)
	_, err := add(t, s, half.ID, 0, bytes.NewReader(content[:1000]))
	must(t, err)
	whole := put(t, s, content)
	must(t, s.SweepOnce(t.Context()))
	wantStored(t, s, 1+3+1) // chunks, and one that describes the object
	time.add(UploadTime + 1)
	if _, _, err := s.Resume(t.Context(), half.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("an upload after its time: %v", err)
	}
	must(t, s.SweepOnce(t.Context()))
	wantStored(t, s, 3+1)
	wantContent(t, s, whole.ID, content)
	time.add(DefaultLifetime)
	if _, _, err := s.Open(t.Context(), whole.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("a file after its time: %v", err)
	}
	must(t, s.SweepOnce(t.Context()))
	wantStored(t, s, 0)
	if all, err := s.List(t.Context(), ana); err != nil || len(all) > 0 {
		t.Errorf("there are %v, %v", all, err)
	}
}

// An upload under way, and a reader, hear that their file was removed.
func TestRemovedFileIsGone(t *testing.T) {
	s := open(t, natstest.Start(t))
	content := bytesOf(5000)
	f := announce(t, s, content)
	u, err := add(t, s, f.ID, 0, bytes.NewReader(content[:2000]))
	must(t, err)
	g := put(t, s, content)
	r, _, err := s.Open(t.Context(), g.ID)
	must(t, err)
	_, err = io.ReadFull(r, make([]byte, 1500))
	must(t, err)
	must(t, s.Forget(t.Context(), ana))
	if _, err := u.ReadFrom(t.Context(), bytes.NewReader(content[2000:]), make([]byte, 1000)); !errors.Is(err, ErrConflict) {
		t.Errorf("it was gone on with: %v", err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, ErrNotFound) {
		t.Errorf("it was read on: %v", err)
	}
	if err := s.Remove(t.Context(), f.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("it was removed once more: %v", err)
	}
	wantStored(t, s, 0)
}

func TestFullStoreRefuses(t *testing.T) {
	s := open(t, natstest.Start(t), func(c *Config) { c.Buckets, c.BucketBytes = 1, 4000 })
	content := bytesOf(9000)
	f := announce(t, s, content)
	u, err := add(t, s, f.ID, 0, bytes.NewReader(content))
	if !errors.Is(err, ErrFull) || u.Offset() == 0 {
		t.Errorf("%d bytes were stored, %v", u.Offset(), err)
	}
}

func TestTicketsAreForOneDeedAndTime(t *testing.T) {
	server := natstest.New(t)
	time := &clock{now: time.Now()}
	set := func(c *Config) { c.now = time.Now }
	one, two := open(t, server.Connect(), set), open(t, server.Connect(), set)
	f := announce(t, one, bytesOf(10))
	token, until, err := one.Ticket(&f, ToUpload)
	if err != nil || !until.Equal(time.Now().Add(TicketTime)) {
		t.Fatalf("good until %v, %v", until, err)
	}
	id, owner, err := two.Holder(token, ToUpload)
	if err != nil || id != f.ID || owner != "ana@example.org" {
		t.Errorf("another edge reads %s of %s, %v", id, owner, err)
	}
	wantNone := func(what, token string, d Deed) {
		t.Helper()
		if _, _, err := two.Holder(token, d); !errors.Is(err, ErrTicket) {
			t.Errorf("%s: %v", what, err)
		}
	}
	wantNone("for another deed", token, ToDownload)
	wantNone("changed", token[:len(token)-4]+"AAAA", ToUpload)
	wantNone("unsigned", "eyJhbGciOiJub25lIn0.eyJpc3MiOiJsaW1lZ3JvdmUvZmlsZXMifQ.", ToUpload)
	wantNone("nothing", "", ToUpload)
	stranger := open(t, natstest.Start(t), set)
	forged, _, err := stranger.Ticket(&f, ToUpload)
	must(t, err)
	wantNone("of another cluster", forged, ToUpload)
	time.add(TicketTime + leeway + 1e9)
	wantNone("over", token, ToUpload)
	last := File{ID: f.ID, Owner: ana, Expires: time.Now().Add(1e9)}
	if _, until, err = one.Ticket(&last, ToDownload); err != nil || !until.Equal(last.Expires) {
		t.Errorf("of a file that ends, until %v, %v", until, err)
	}

	if !two.Opens(f.ID, one.Capability(f.ID)) {
		t.Error("another edge does not know the capability")
	}
	for _, c := range []string{"", one.Capability(newID()), stranger.Capability(f.ID), one.Capability(f.ID) + "A"} {
		if two.Opens(f.ID, c) {
			t.Errorf("the capability %q opens it", c)
		}
	}
}

func TestOtherSettingsAreTold(t *testing.T) {
	server := natstest.New(t)
	open(t, server.Connect())
	for name, cfg := range map[string]Config{
		"lifetime": {Lifetime: time.Hour}, "bytes": {BucketBytes: 1 << 20},
	} {
		cfg.NATS = server.Connect()
		if _, err := Open(t.Context(), cfg); !errors.Is(err, ErrSettings) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, cfg := range map[string]Config{
		"no NATS": {}, "size": {NATS: server.Connect(), MaxSize: MostSize + 1}, "replicas": {NATS: server.Connect(), Replicas: 6},
	} {
		if _, err := Open(t.Context(), cfg); err == nil || errors.Is(err, ErrSettings) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIDsAndMarksInText(t *testing.T) {
	if id, ok := ParseID(string(newID())); !ok {
		t.Errorf("%s is no id", id)
	}
	for _, s := range []string{"", "abc", "AAAAAAAAAAAAAAAAAAAAAAAAAA.", "AAAAAAAAAAAAAAAAAAAAAAAAA*", "aaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		if _, ok := ParseID(s); ok {
			t.Errorf("%q is an id", s)
		}
	}
	m := marks{{0, 1 << 50}, {4 << 20, 1<<50 + 9}, {5 << 20, 1<<50 + 10_000}}
	got, err := parseMarks(m.text())
	if err != nil || len(got) != 3 || got[2] != m[2] {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseMarks("gA"); err == nil {
		t.Error("half a mark was read")
	}
	if m.before(4<<20-1) != 1<<50 || m.before(4<<20) != 1<<50+9 || m.before(9<<20) != 1<<50+10_000 || marks(nil).before(5) != 1 {
		t.Error("a place is not where the mark before it is")
	}
}
