package transfer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"limegrove/files"
	"limegrove/internal/natstest"
	"limegrove/lime"
)

// many is how many transfers are under way at once in these tests.
const many = 200

// until waits for something that comes by itself.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s has not come", what)
		}
	}
}

// part is an upload that sends what it is given.
type part struct {
	w      *io.PipeWriter
	f      *file
	sent   int
	answer chan response
	says   string // once there is an answer
}

// hold begins an upload and sends nothing of it but a few bytes.
func (e *edge) hold(f *file) *part {
	r, w := io.Pipe()
	p := &part{w: w, f: f, answer: make(chan response, 1)}
	go func() {
		got, says, err := e.tries("PATCH", "/files/"+string(f.ID), f.upload, r, "Content-Type: application/offset+octet-stream", "Upload-Offset: 0")
		_ = r.CloseWithError(io.ErrClosedPipe)
		if err != nil {
			got = response{}
		}
		p.says = string(says)
		p.answer <- got
	}()
	_, _ = w.Write(f.content[:10]) // one that is refused is told by its answer
	p.sent = 10
	return p
}

// finish sends the rest, and returns the answer.
func (p *part) finish() response {
	_, _ = p.w.Write(p.f.content[p.sent:])
	_ = p.w.Close()
	return <-p.answer
}

// TestSlowUploadHoldsUpNoOther has as many uploads under way as there may be, each with its chunk of memory and no more. All others end while
// one of them does not.
func TestSlowUploadHoldsUpNoOther(t *testing.T) {
	e := newEdge(t, natstest.New(t), func(c *Config) { c.Transfers = many })
	var chunks atomic.Int64
	made := e.at.buffers.New
	e.at.buffers.New = func() any {
		chunks.Add(1)
		return made()
	}
	var parts []*part
	for i := range many {
		f := e.announce("one-"+strconv.Itoa(i), bytesOf(20_000+i))
		parts = append(parts, &part{f: &f})
	}
	beyond := e.announce("beyond", bytesOf(1000))
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range parts {
		parts[i] = e.hold(parts[i].f)
	}
	until(t, "all uploads", func() bool { return chunks.Load() == many })
	e.want(e.patch(&beyond, 0, 1000), 503, "Retry-After: 2")
	runtime.GC()
	runtime.ReadMemStats(&during)
	each := (int64(during.HeapAlloc) - int64(before.HeapAlloc)) / many
	t.Logf("%d KiB for each of %d uploads, their clients included", each>>10, many)
	if each > 2*files.MostChunk {
		t.Errorf("each takes %d bytes", each)
	}

	var ending sync.WaitGroup
	for _, p := range parts[1:] {
		ending.Go(func() {
			if got := p.finish(); got.status != 204 {
				t.Errorf("it is answered %d", got.status)
			}
		})
	}
	ending.Wait()
	e.await(1)
	e.want(e.patch(&beyond, 0, 1000), 204)
	if got := parts[0].finish(); got.status != 204 {
		t.Errorf("the slow one is answered %d", got.status)
	}
	if _, b := e.asks("GET", parts[0].f.link, "", nil); !bytes.Equal(b, parts[0].f.content) {
		t.Errorf("of the slow one %d bytes are others", len(b))
	}
}

func TestSlowDownloadHoldsUpNoOther(t *testing.T) {
	e := newEdge(t, natstest.New(t), func(c *Config) { c.Transfers = many })
	f := e.put("ana", bytesOf(32<<20)) // more than sockets have room for
	slow, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
	must(t, err)
	defer func() { _ = slow.Close() }()
	_, err = fmt.Fprintf(slow, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", f.link)
	must(t, err)
	gauge := e.at.metrics.underWay.WithLabelValues(download)
	until(t, "the slow download", func() bool { return testutil.ToFloat64(gauge) == 1 })
	var loading sync.WaitGroup
	for i := range many - 1 {
		loading.Go(func() {
			from := i * 100_000
			r, b, err := e.tries("GET", f.link, "", nil, fmt.Sprintf("Range: bytes=%d-%d", from, from+99_999))
			if err != nil || r.status != 206 || !bytes.Equal(b, f.content[from:from+100_000]) {
				t.Errorf("it is answered %d, with %d bytes, %v", r.status, len(b), err)
			}
		})
	}
	loading.Wait()
	until(t, "the others' end", func() bool { return testutil.ToFloat64(gauge) == 1 })
	r, err := http.ReadResponse(bufio.NewReader(slow), nil)
	must(t, err)
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(b, f.content) {
		t.Errorf("the slow one has %d bytes, %v", len(b), err)
	}
}

func TestFloodOfOneIdentityIsRefused(t *testing.T) {
	e := newEdge(t, natstest.New(t))
	var all []*file
	for range 20 {
		f := e.announce("ana", bytesOf(1000))
		all = append(all, &f)
	}
	var parts []*part
	for _, f := range all[:DefaultPerOwner] {
		parts = append(parts, e.hold(f))
	}
	e.await(DefaultPerOwner)
	for _, f := range all[DefaultPerOwner:] {
		p := e.hold(f)
		if got := <-p.answer; got.status != 429 || got.header.Get("Retry-After") != "2" || !strings.Contains(p.says, "Of one identity 4 uploads may be under way") {
			t.Errorf("it is answered %d: %s", got.status, p.says)
		}
	}
	other := e.announce("rui", bytesOf(1000))
	e.want(e.patch(&other, 0, 1000), 204)
	for _, p := range parts {
		if got := p.finish(); got.status != 204 {
			t.Errorf("one that was in is answered %d", got.status)
		}
	}
	e.want(e.patch(all[DefaultPerOwner], 0, 1000), 204)
	e.wantResult(upload, resultBusy, 20-DefaultPerOwner)
}

// TestMoreThanWasAnnouncedIsRefusedUnread: a client that asks first is not even told to begin.
func TestMoreThanWasAnnouncedIsRefusedUnread(t *testing.T) {
	e := newEdge(t, natstest.New(t))
	f, err := e.store.Announce(t.Context(), lime.Identity{Name: "ana", Domain: "example.org"}, files.Announcement{Name: "a", Size: files.DefaultMaxSize})
	must(t, err)
	token, _, err := e.store.Ticket(&f, files.ToUpload)
	must(t, err)
	for length, want := range map[int64]int{files.DefaultMaxSize + 1: 413, files.MostSize + 1: 413, files.DefaultMaxSize: 100} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
		must(t, err)
		_, err = fmt.Fprintf(conn, "PATCH /files/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTus-Resumable: 1.0.0\r\nExpect: 100-continue\r\n"+
			"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: %d\r\n\r\n", f.ID, token, length)
		must(t, err)
		r, err := http.ReadResponse(bufio.NewReader(conn), nil)
		must(t, err)
		if r.StatusCode != want {
			t.Errorf("%d bytes are answered %d, want %d", length, r.StatusCode, want)
		}
		_ = r.Body.Close()
		_ = conn.Close()
	}
	e.await(0)
	got, _ := e.asks("HEAD", "/files/"+string(f.ID), token, nil)
	e.want(got, 200, "Upload-Offset: 0")
}
