package transfer

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"limegrove/files"
	"limegrove/internal/natstest"
	"limegrove/lime"
)

// edge is a server on a port of its own.
type edge struct {
	t     *testing.T
	store *files.Store
	at    *Server
	url   string
	stop  context.CancelFunc // which drains it
	ended chan error
}

func newEdge(t *testing.T, nats *natstest.Server, change ...func(*Config)) *edge {
	t.Helper()
	store, err := files.Open(t.Context(), files.Config{NATS: nats.Connect()})
	must(t, err)
	cfg := Config{Store: store, URL: "https://files.example.org", Metrics: prometheus.NewPedanticRegistry()}
	for _, c := range change {
		c(&cfg)
	}
	s, err := New(cfg)
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	e := &edge{t: t, store: store, at: s, url: "http://" + ln.Addr().String(), stop: cancel, ended: make(chan error, 1)}
	go func() { e.ended <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-e.ended; err != nil {
			t.Error(err)
		}
		e.ended <- nil
	})
	return e
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func bytesOf(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b) // it never fails
	return b
}

// file is one that was announced, with its tickets.
type file struct {
	files.File
	content      []byte
	upload, load string
	link         string
}

func (e *edge) announce(owner string, content []byte) file {
	e.t.Helper()
	sum := sha256.Sum256(content)
	f, err := e.store.Announce(e.t.Context(), lime.Identity{Name: owner, Domain: "example.org"}, files.Announcement{
		Name: "Relatório <1>.html", Type: "text/html", Size: int64(len(content)), SHA256: sum[:],
	})
	must(e.t, err)
	up, _, err := e.store.Ticket(&f, files.ToUpload)
	must(e.t, err)
	down, _, err := e.store.Ticket(&f, files.ToDownload)
	must(e.t, err)
	return file{f, content, up, down, "/files/" + string(f.ID) + "/" + e.store.Capability(f.ID) + "/a.html"}
}

// response is what a request was answered.
type response struct {
	status int
	header http.Header
}

// asks sends a request with headers as "Name: value", and returns the answer with its body.
func (e *edge) asks(method, path, token string, body io.Reader, headers ...string) (response, []byte) {
	e.t.Helper()
	r, b, err := e.tries(method, path, token, body, headers...)
	must(e.t, err)
	return r, b
}

func (e *edge) tries(method, path, token string, body io.Reader, headers ...string) (response, []byte, error) {
	q, err := http.NewRequestWithContext(e.t.Context(), method, e.url+path, body)
	if err != nil {
		return response{}, nil, err
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	q.Header.Set("Tus-Resumable", "1.0.0")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		q.Header.Set(name, value)
		if value == "" {
			q.Header.Del(name)
		}
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return response{}, nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return response{r.StatusCode, r.Header}, b, err
}

// patch sends what a file has from one place to another.
func (e *edge) patch(f *file, from, to int, headers ...string) response {
	e.t.Helper()
	r, _ := e.asks("PATCH", "/files/"+string(f.ID), f.upload, bytes.NewReader(f.content[from:to]),
		append([]string{"Content-Type: application/offset+octet-stream", "Upload-Offset: " + strconv.Itoa(from)}, headers...)...)
	return r
}

func (e *edge) put(owner string, content []byte) file {
	e.t.Helper()
	f := e.announce(owner, content)
	e.want(e.patch(&f, 0, len(content)), 204, "Upload-Offset: "+strconv.Itoa(len(content)))
	return f
}

func (e *edge) want(r response, status int, headers ...string) {
	e.t.Helper()
	if r.status != status {
		e.t.Fatalf("status %d, want %d", r.status, status)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if got := r.header.Get(name); got != value {
			e.t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

func (e *edge) wantResult(direction, result string, want float64) {
	e.t.Helper()
	counter := e.at.metrics.transfers.WithLabelValues(direction, result)
	for deadline := time.Now().Add(10 * time.Second); testutil.ToFloat64(counter) != want; time.Sleep(time.Millisecond) { // a client may be told before it is counted
		if time.Now().After(deadline) {
			e.t.Fatalf("%v transfers of %s are %s, want %v", testutil.ToFloat64(counter), direction, result, want)
		}
	}
}

func TestUploadAsTusHasIt(t *testing.T) {
	nats := natstest.New(t)
	one, two := newEdge(t, nats), newEdge(t, nats)
	f := one.announce("ana", bytesOf(1<<20+123))
	path := "/files/" + string(f.ID)

	r, _ := one.asks("OPTIONS", "/files", "", nil, "Tus-Resumable: ")
	one.want(r, 204, "Tus-Resumable: 1.0.0", "Tus-Version: 1.0.0", "Tus-Max-Size: 1073741824",
		"Tus-Extension: creation,checksum,expiration,termination", "Tus-Checksum-Algorithm: sha1,sha256")
	r, _ = one.asks("POST", "/files", f.upload, nil, "Upload-Length: "+strconv.Itoa(len(f.content)))
	one.want(r, 201, "Location: https://files.example.org"+path)
	r, _ = two.asks("HEAD", path, f.upload, nil)
	two.want(r, 200, "Upload-Offset: 0", "Upload-Length: "+strconv.Itoa(len(f.content)), "Cache-Control: no-store")
	if until, err := http.ParseTime(r.header.Get("Upload-Expires")); err != nil || time.Until(until) > files.UploadTime {
		t.Errorf("it expires at %v, %v", until, err)
	}

	one.want(one.patch(&f, 0, 700_000), 204, "Upload-Offset: 700000", "Tus-Resumable: 1.0.0")
	r, _ = two.asks("HEAD", path, f.upload, nil)
	two.want(r, 200, "Upload-Offset: 700000")
	two.want(two.patch(&f, 600_000, 800_000), 409)
	r, _ = two.asks("POST", path, f.upload, bytes.NewReader(f.content[700_000:]), "X-HTTP-Method-Override: PATCH",
		"Content-Type: application/offset+octet-stream", "Upload-Offset: 700000")
	two.want(r, 204, "Upload-Offset: "+strconv.Itoa(len(f.content)))
	r, _ = one.asks("HEAD", path, f.upload, nil)
	one.want(r, 200, "Upload-Offset: "+strconv.Itoa(len(f.content)), "Upload-Expires: ")
	one.want(one.patch(&f, len(f.content), len(f.content)), 204)
	_, b := one.asks("GET", f.link, "", nil)
	if !bytes.Equal(b, f.content) {
		t.Errorf("%d bytes are others", len(b))
	}

	r, _ = one.asks("DELETE", path, f.upload, nil)
	one.want(r, 204)
	for method, p := range map[string]string{"HEAD": path, "DELETE": path, "GET": f.link} {
		r, _ = two.asks(method, p, f.upload, nil)
		two.want(r, 404)
	}
	one.wantResult(upload, resultDone, 2)
	two.wantResult(upload, resultConflict, 1)
}

func TestUploadIsRefused(t *testing.T) {
	e := newEdge(t, natstest.New(t))
	f, g := e.announce("ana", bytesOf(1000)), e.announce("ana", bytesOf(1000))
	path := "/files/" + string(f.ID)
	const octets = "Content-Type: application/offset+octet-stream"
	for name, row := range map[string]struct {
		method, path, token string
		headers             []string
		want                int
	}{
		"without a version":         {"HEAD", path, f.upload, []string{"Tus-Resumable: "}, 412},
		"in another version":        {"HEAD", path, f.upload, []string{"Tus-Resumable: 0.2.2"}, 412},
		"without a token":           {"HEAD", path, "", nil, 401},
		"with one for downloads":    {"PATCH", path, f.load, nil, 401},
		"with one for another file": {"HEAD", path, g.upload, nil, 403},
		"with one of nobody's":      {"HEAD", path, "abc", nil, 401},
		"another length":            {"POST", "/files", f.upload, []string{"Upload-Length: 999"}, 400},
		"a deferred length":         {"POST", "/files", f.upload, []string{"Upload-Defer-Length: 1"}, 400},
		"another type":              {"PATCH", path, f.upload, []string{"Content-Type: image/png", "Upload-Offset: 0"}, 415},
		"no offset":                 {"PATCH", path, f.upload, []string{octets}, 400},
		"an offset below nothing":   {"PATCH", path, f.upload, []string{octets, "Upload-Offset: -1"}, 400},
		"an offset ahead":           {"PATCH", path, f.upload, []string{octets, "Upload-Offset: 5"}, 409},
		"too much":                  {"PATCH", path, f.upload, []string{octets, "Upload-Offset: 0"}, 413},
		"a checksum of what":        {"PATCH", path, f.upload, []string{octets, "Upload-Offset: 0", "Upload-Checksum: md5 AAAA"}, 400},
		"no file":                   {"HEAD", "/files/nothing", f.upload, nil, 404},
		"another method":            {"PUT", path, f.upload, nil, 405},
		"no upload":                 {"GET", "/files", f.upload, nil, 405},
		"another path":              {"GET", "/filesystem", "", nil, 404},
		"somewhere else":            {"GET", "/", "", nil, 404},
	} {
		content := f.content
		if row.want == 413 {
			content = bytesOf(1001)
		}
		r, _ := e.asks(row.method, row.path, row.token, bytes.NewReader(content), row.headers...)
		if r.status != row.want {
			t.Errorf("%s: %d, want %d", name, r.status, row.want)
		}
		if r.status == 412 && r.header.Get("Tus-Version") != "1.0.0" {
			t.Errorf("%s: the version that is spoken is not told", name)
		}
	}
	e.want(e.patch(&f, 0, 1000), 204) // nothing of it has done any harm
}

func TestChecksumOfARequest(t *testing.T) {
	e := newEdge(t, natstest.New(t))
	f := e.announce("ana", bytesOf(3_000_000))
	sum := func(b []byte) string {
		s := sha1.Sum(b)
		return "Upload-Checksum: sha1 " + base64.StdEncoding.EncodeToString(s[:])
	}
	r := e.patch(&f, 0, 1_000_000, sum(f.content[:999_999]))
	e.want(r, 460)
	r, _ = e.asks("HEAD", "/files/"+string(f.ID), f.upload, nil)
	e.want(r, 200, "Upload-Offset: 0")
	e.want(e.patch(&f, 0, 1_000_000, sum(f.content[:1_000_000])), 204, "Upload-Offset: 1000000")
	e.want(e.patch(&f, 1_000_000, 3_000_000, sum(f.content[1_000_000:])), 204, "Upload-Offset: 3000000")
	g := e.announce("ana", bytesOf(mostChecked+1))
	e.want(e.patch(&g, 0, mostChecked+1, sum(g.content)), 413)
	e.wantResult(upload, resultMalformed, 2)
}

func TestFileThatIsNotWhatWasAnnounced(t *testing.T) {
	e := newEdge(t, natstest.New(t))
	f := e.announce("ana", bytesOf(1000))
	f.content[0]++
	e.want(e.patch(&f, 0, 1000), 460)
	r, _ := e.asks("HEAD", "/files/"+string(f.ID), f.upload, nil)
	e.want(r, 404)
	e.wantResult(upload, resultDigest, 1)
}

func TestDownload(t *testing.T) {
	e := newEdge(t, natstest.New(t))
	f := e.put("ana", bytesOf(1_234_567))
	sum := sha256.Sum256(f.content)
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	r, b := e.asks("GET", f.link, "", nil)
	e.want(r, 200, "Content-Type: text/html", "Content-Length: 1234567", "ETag: "+tag, "Accept-Ranges: bytes",
		"Content-Disposition: attachment; filename*=utf-8''Relat%C3%B3rio%20%3C1%3E.html",
		"X-Content-Type-Options: nosniff", "Content-Security-Policy: sandbox; default-src 'none'", "Access-Control-Allow-Origin: *",
		"Repr-Digest: sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	if !bytes.Equal(b, f.content) {
		t.Errorf("%d bytes are others", len(b))
	}
	for at, want := range map[string][]byte{
		"bytes=0-0": f.content[:1], "bytes=524287-524289": f.content[524287:524290], "bytes=-5": f.content[1_234_562:], "bytes=1000000-": f.content[1_000_000:],
	} {
		r, b := e.asks("GET", f.link, "", nil, "Range: "+at)
		if r.status != 206 || !bytes.Equal(b, want) {
			t.Errorf("%s: %d, %d bytes, want %d", at, r.status, len(b), len(want))
		}
	}
	r, b = e.asks("GET", f.link, "", nil, "Range: bytes=0-1,5-6")
	if r.status != 200 || len(b) != len(f.content) {
		t.Errorf("several ranges: %d, %d bytes", r.status, len(b))
	}
	r, _ = e.asks("GET", f.link, "", nil, "Range: bytes=1234567-")
	e.want(r, 416)
	r, b = e.asks("GET", f.link, "", nil, "If-None-Match: "+tag)
	e.want(r, 304)
	if len(b) > 0 {
		t.Error("what is known comes again")
	}
	r, b = e.asks("GET", f.link, "", nil, "If-Range: \"another\"", "Range: bytes=5-6")
	if r.status != 200 || len(b) != len(f.content) {
		t.Errorf("a part of another file: %d, %d bytes", r.status, len(b))
	}
	r, b = e.asks("HEAD", f.link, "", nil)
	e.want(r, 200, "Content-Length: 1234567")
	if len(b) > 0 {
		t.Error("a HEAD has a body")
	}
	r, b = e.asks("GET", "/files/"+string(f.ID), f.load, nil)
	if r.status != 200 || !bytes.Equal(b, f.content) {
		t.Errorf("by a ticket: %d, %d bytes", r.status, len(b))
	}
	e.wantResult(download, resultDone, 11)
}

func TestDownloadIsRefused(t *testing.T) {
	e := newEdge(t, natstest.New(t))
	f, other, half := e.put("ana", bytesOf(100)), e.put("ana", bytesOf(101)), e.announce("ana", bytesOf(102))
	for name, row := range map[string]struct {
		method, path, token string
		want                int
	}{
		"by another file's link":  {"GET", strings.Replace(other.link, string(other.ID), string(f.ID), 1), "", 404},
		"without a capability":    {"GET", "/files/" + string(f.ID) + "/", "", 401},
		"by an id alone":          {"GET", "/files/" + string(f.ID), "", 401},
		"by a token for uploads":  {"GET", "/files/" + string(f.ID), f.upload, 401},
		"by another file's token": {"GET", "/files/" + string(f.ID), other.load, 403},
		"before it has come":      {"GET", half.link, "", 404},
		"with another method":     {"POST", f.link, "", 405},
	} {
		r, b := e.asks(row.method, row.path, row.token, nil)
		if r.status != row.want || bytes.Contains(b, f.content) {
			t.Errorf("%s: %d, want %d", name, r.status, row.want)
		}
		if !strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: the answer is %s", name, r.header.Get("Content-Type"))
		}
	}
}

func TestPagesOfAnyOriginMay(t *testing.T) {
	e := newEdge(t, natstest.New(t))
	r, _ := e.asks("OPTIONS", "/files/x", "", nil, "Origin: https://chat.example.org", "Access-Control-Request-Method: PATCH", "Tus-Resumable: ")
	e.want(r, 204, "Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: ")
	if !strings.Contains(r.header.Get("Access-Control-Allow-Headers"), "Upload-Offset") || !strings.Contains(r.header.Get("Access-Control-Allow-Methods"), "PATCH") {
		t.Errorf("they may %v", r.header)
	}
}

// begin has an upload begin, of which the first bytes have come when it returns.
func (e *edge) begin(f *file, n int) (end func(), answer <-chan string) {
	e.t.Helper()
	r, w := io.Pipe()
	answers := make(chan string, 1)
	go func() {
		got, _, err := e.tries("PATCH", "/files/"+string(f.ID), f.upload, r, "Content-Type: application/offset+octet-stream", "Upload-Offset: 0")
		_ = r.Close()
		if err != nil {
			answers <- "cut"
			return
		}
		answers <- fmt.Sprint(got.status)
	}()
	if _, err := w.Write(f.content[:n]); err != nil {
		e.t.Fatal(err)
	}
	return func() { _ = w.Close() }, answers
}

// await waits until so many uploads are under way.
func (e *edge) await(want float64) {
	e.t.Helper()
	gauge := e.at.metrics.underWay.WithLabelValues(upload)
	for deadline := time.Now().Add(10 * time.Second); testutil.ToFloat64(gauge) != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			e.t.Fatalf("%v uploads are under way, want %v", testutil.ToFloat64(gauge), want)
		}
	}
}

func TestUploadsAtOnceAreBounded(t *testing.T) {
	e := newEdge(t, natstest.New(t), func(c *Config) { c.Transfers, c.PerOwner = 2, 1 })
	first := e.announce("ana", bytesOf(1000))
	end, answer := e.begin(&first, 10)
	e.await(1)
	second := e.announce("ana", bytesOf(1000))
	e.want(e.patch(&second, 0, 1000), 429, "Retry-After: 2")
	third := e.announce("rui", bytesOf(1000))
	endThird, answerThird := e.begin(&third, 10)
	e.await(2)
	fourth := e.announce("lia", bytesOf(1000))
	e.want(e.patch(&fourth, 0, 1000), 503, "Retry-After: 2")
	end()
	endThird()
	for _, a := range []<-chan string{answer, answerThird} {
		if got := <-a; got != "204" { // of ten bytes
			t.Errorf("an upload that was in is answered %s", got)
		}
	}
	e.await(0)
	e.want(e.patch(&second, 0, 1000), 204)
	e.wantResult(upload, resultBusy, 2)
}

// net/http reads what is left of a request that was answered, so that the next one can come.
func TestWhoIsRefusedHoldsNoConnection(t *testing.T) {
	e := newEdge(t, natstest.New(t), func(c *Config) { c.IdleTimeout = time.Second })
	f := e.announce("ana", bytesOf(100_000))
	for what, head := range map[string]string{
		"a stranger":           "POST /files HTTP/1.1\r\nContent-Length: 1000\r\n",
		"who asks for nothing": "PUT /elsewhere HTTP/1.1\r\nContent-Length: 1000\r\n",
		"who reads, and sends": "GET " + f.link + " HTTP/1.1\r\nContent-Length: 1000\r\n",
		"who sends little":     "PATCH /files/" + string(f.ID) + " HTTP/1.1\r\nAuthorization: Bearer " + f.upload + "\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: 100000\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
		must(t, err)
		must(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		_, err = io.WriteString(conn, head+"Host: x\r\n\r\nbody")
		must(t, err)
		said, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(said, []byte("HTTP/1.1 4")) {
			t.Errorf("%s: %q, %v", what, said, err)
		}
		must(t, conn.Close())
	}
}

func TestClientThatMovesNothingIsCut(t *testing.T) {
	e := newEdge(t, natstest.New(t), func(c *Config) { c.IdleTimeout = 50 * time.Millisecond })
	f := e.announce("ana", bytesOf(1_000_000))
	end, answer := e.begin(&f, 700_000)
	defer end()
	if got := <-answer; got != "408" && got != "cut" {
		t.Errorf("it is answered %s", got)
	}
	e.await(0)
	e.wantResult(upload, resultIdle, 1)
	r, _ := e.asks("HEAD", "/files/"+string(f.ID), f.upload, nil)
	e.want(r, 200, "Upload-Offset: 700000")
}

func TestClientThatLeavesLosesLittle(t *testing.T) {
	nats := natstest.New(t)
	e, other := newEdge(t, nats), newEdge(t, nats)
	f := e.announce("ana", bytesOf(1_000_000))
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
	must(t, err)
	_, err = fmt.Fprintf(conn, "PATCH /files/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTus-Resumable: 1.0.0\r\n"+
		"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: 1000000\r\n\r\n", f.ID, f.upload)
	must(t, err)
	_, err = conn.Write(f.content[:600_000])
	must(t, err)
	e.await(1)
	must(t, conn.Close())
	e.await(0)
	e.wantResult(upload, resultLeft, 1)
	r, _ := other.asks("HEAD", "/files/"+string(f.ID), f.upload, nil)
	at, err := strconv.Atoi(r.header.Get("Upload-Offset"))
	if err != nil || at < files.MostChunk || at > 600_000 {
		t.Fatalf("it stands at %d, %v", at, err)
	}
	other.want(other.patch(&f, at, 1_000_000), 204)
	_, b := e.asks("GET", f.link, "", nil)
	if !bytes.Equal(b, f.content) {
		t.Errorf("%d bytes are others", len(b))
	}
}

func TestDrainEndsTransfersWhereTheyStand(t *testing.T) {
	nats := natstest.New(t)
	e, other := newEdge(t, nats), newEdge(t, nats)
	f := e.announce("ana", bytesOf(2_000_000))
	r, w := io.Pipe()
	answers := make(chan int, 1)
	go func() {
		got, _, err := e.tries("PATCH", "/files/"+string(f.ID), f.upload, r, "Content-Type: application/offset+octet-stream", "Upload-Offset: 0")
		_ = r.Close()
		if err != nil {
			answers <- 0
			return
		}
		answers <- got.status
	}()
	_, err := w.Write(f.content[:800_000])
	must(t, err)
	for {
		head, _ := other.asks("HEAD", "/files/"+string(f.ID), f.upload, nil)
		if head.header.Get("Upload-Offset") == strconv.Itoa(files.MostChunk) {
			break
		}
	}
	e.stop()
	for at := 800_000; at < len(f.content); at += 1000 { // until it is told, as the client goes on
		if _, err := w.Write(f.content[at : at+1000]); err != nil {
			break
		}
	}
	_ = w.Close()
	if got := <-answers; got != 503 && got != 204 && got != 0 {
		t.Errorf("it is answered %d", got)
	}
	if err := <-e.ended; err != nil {
		t.Error(err)
	}
	e.ended <- nil
	head, _ := other.asks("HEAD", "/files/"+string(f.ID), f.upload, nil)
	at, err := strconv.Atoi(head.header.Get("Upload-Offset"))
	if err != nil || at < files.MostChunk {
		t.Fatalf("it stands at %d, %v", at, err)
	}
	other.want(other.patch(&f, at, len(f.content)), 204)
}
