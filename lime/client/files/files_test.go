package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"limegrove/internal/leaktest"
	"limegrove/lime"
)

func TestMain(m *testing.M) { os.Exit(leaktest.Run(m)) }

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

// shop is a server with one file, and a session with it.
type shop struct {
	http *httptest.Server

	mu       sync.Mutex
	file     lime.File
	has      []byte
	token    int          // that is good
	cuts     []int        // after so many bytes of a body the connection breaks
	statuses []int        // that the next uploads are answered with
	refuses  *lime.Reason // announcements
	digest   string       // that is said of the file; "" for the right one
	tag      string       // likewise
	heard    []string     // method, and range or offset
}

func newShop(t *testing.T) *shop {
	s := &shop{tag: `"1"`}
	s.http = httptest.NewServer(s)
	t.Cleanup(s.http.Close)
	return s
}

// Command is that of Session.
func (s *shop) Command(_ context.Context, q *lime.Command) (*lime.Command, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses != nil {
		return nil, s.refuses
	}
	if q.Method == lime.MethodSet {
		if err := json.Unmarshal(q.Resource, &s.file); err != nil {
			return nil, err
		}
		s.file.ID = "1"
	}
	f := s.file
	f.URI = s.http.URL + "/link"
	if f.Complete = int64(len(s.has)) == f.Size; !f.Complete {
		f.Upload = &lime.FileTicket{URI: s.http.URL + "/upload", Token: fmt.Sprint(s.token)}
	}
	text, err := json.Marshal(f)
	return &lime.Command{Status: lime.CommandSuccess, Type: lime.MediaFile, Resource: text}, err
}

// cut returns after how many bytes the next body breaks; -1 for not at all.
func (s *shop) cut() int {
	if len(s.cuts) == 0 {
		return -1
	}
	n := s.cuts[0]
	s.cuts = s.cuts[1:]
	return n
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, r.Method+r.Header.Get("Range")+r.Header.Get("Upload-Offset"))
	if r.URL.Path == "/upload" {
		s.upload(w, r)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+s.file.Name+`"`)
	sum := sha256.Sum256(s.has)
	digest := s.digest
	if digest == "" {
		digest = base64.StdEncoding.EncodeToString(sum[:])
	}
	w.Header().Set("Repr-Digest", "sha-256=:"+digest+":")
	w.Header().Set("ETag", s.tag)
	var content io.ReadSeeker = bytes.NewReader(s.has)
	if r.Method == http.MethodGet {
		if n := s.cut(); n >= 0 {
			w = &cutting{ResponseWriter: w, left: n}
		}
	}
	http.ServeContent(w, r, "", time.Time{}, content)
}

// cutting breaks a connection after some bytes.
type cutting struct {
	http.ResponseWriter
	left int
}

func (c *cutting) Write(b []byte) (int, error) {
	if len(b) > c.left {
		_, _ = c.ResponseWriter.Write(b[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(b)
	return c.ResponseWriter.Write(b)
}

func (s *shop) upload(w http.ResponseWriter, r *http.Request) {
	stands := func(status int) {
		w.Header().Set("Upload-Offset", strconv.Itoa(len(s.has)))
		w.WriteHeader(status)
	}
	switch {
	case r.Header.Get("Tus-Resumable") != "1.0.0":
		w.WriteHeader(http.StatusPreconditionFailed)
	case r.Header.Get("Authorization") != fmt.Sprint("Bearer ", s.token):
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method == http.MethodHead:
		stands(200)
	case len(s.statuses) > 0:
		status := s.statuses[0]
		s.statuses = s.statuses[1:]
		if status == 401 {
			s.token++
		}
		w.WriteHeader(status)
	case r.Header.Get("Upload-Offset") != strconv.Itoa(len(s.has)):
		w.WriteHeader(http.StatusConflict)
	default:
		n := s.cut()
		if n < 0 {
			b, err := io.ReadAll(r.Body)
			if err == nil {
				s.has = append(s.has, b...)
			}
			stands(204)
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r.Body, b); err == nil {
			s.has = append(s.has, b...)
		}
		panic(http.ErrAbortHandler)
	}
}

func (s *shop) transfers(t *testing.T, change ...func(*Config)) *Transfers {
	t.Helper()
	cfg := Config{HTTP: s.http.Client(), Pause: time.Millisecond, Tries: 3}
	for _, c := range change {
		c(&cfg)
	}
	all, err := New(s, cfg)
	must(t, err)
	return all
}

func source(content []byte) Source {
	return Source{Name: "cat.png", Size: int64(len(content)), Content: bytes.NewReader(content)}
}

func TestUploadGoesOnWhereItBroke(t *testing.T) {
	s := newShop(t)
	content := bytesOf(3_000_000)
	s.cuts = []int{1_000_000, 0, 500_000, 1}
	s.statuses = []int{503, 401, 409}
	var last, most int64
	up := s.transfers(t, func(c *Config) {
		c.Tries = 5
		c.Progress = func(done, total int64) { last, most = done, total }
	})
	f, err := up.Upload(t.Context(), source(content))
	must(t, err)
	sum := sha256.Sum256(content)
	if !f.Complete || !bytes.Equal(s.has, content) || s.file.SHA256 != hex.EncodeToString(sum[:]) || s.file.Type != "image/png" {
		t.Errorf("the server has %d bytes of %+v", len(s.has), s.file)
	}
	if last != 3_000_000 || most != 3_000_000 {
		t.Errorf("the last that is told is %d of %d", last, most)
	}
	if link := f.Link(); link.URI != s.http.URL+"/link" || link.Title != "cat.png" || link.Size != 3_000_000 {
		t.Errorf("what is to be sent is %+v", link)
	}
}

func TestUploadEndsWhenItIsRefused(t *testing.T) {
	content := bytesOf(1000)
	for _, status := range []int{403, 404, 413, 460, 507} {
		s := newShop(t)
		s.statuses = []int{status, 500, 500}
		f, err := s.transfers(t).Upload(t.Context(), source(content))
		var is *StatusError
		if !errors.As(err, &is) || is.Status != status || f.ID != "1" || len(s.statuses) != 2 {
			t.Errorf("%d: %v of %q", status, err, f.ID)
		}
	}
	s := newShop(t)
	s.refuses = lime.NewReason(lime.CodeAuthorizationQuotaThresholdExceeded, "full")
	if _, err := s.transfers(t).Upload(t.Context(), source(content)); lime.AsReason(err) == nil || len(s.heard) > 0 {
		t.Errorf("an announcement that is refused: %v", err)
	}
	s = newShop(t)
	s.statuses = []int{500, 502, 503, 504}
	var is *StatusError
	if _, err := s.transfers(t).Upload(t.Context(), source(content)); !errors.As(err, &is) || is.Status != 503 {
		t.Errorf("after three tries without progress: %v", err)
	}
	short := Source{Name: "a", Size: 1001, Content: bytes.NewReader(content)}
	if _, err := s.transfers(t).Upload(t.Context(), short); err == nil {
		t.Error("a source that is too short was announced")
	}
}

// A server that is not believed is asked once.
func TestTransfersEndWhereTheServerIsNotBelieved(t *testing.T) {
	shakes := make(chan string, 100)
	s := &shop{tag: `"1"`}
	s.http = httptest.NewUnstartedServer(s)
	s.http.Config.ErrorLog = log.New(words(shakes), "", 0)
	s.http.StartTLS()
	t.Cleanup(s.http.Close)
	all := s.transfers(t, func(c *Config) { c.HTTP = nil })
	_, up := all.Upload(t.Context(), source(bytesOf(10)))
	_, down := all.Download(t.Context(), lime.MediaLink{URI: s.http.URL + "/link"}, ana, open(t, t.TempDir(), ""))
	for what, err := range map[string]error{"upload": up, "download": down} {
		if !errors.As(err, new(*tls.CertificateVerificationError)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	at := "https" + strings.TrimPrefix(newShop(t).http.URL, "http")
	if _, err := all.Download(t.Context(), lime.MediaLink{URI: at}, ana, open(t, t.TempDir(), "")); !errors.Is(err, http.ErrSchemeMismatch) {
		t.Errorf("of a server in clear: %v", err)
	}
	s.http.Close()
	if n := len(shakes); n != 2 {
		t.Errorf("there were %d handshakes", n)
	}
}

// words takes each line.
type words chan string

func (w words) Write(b []byte) (int, error) {
	w <- string(b)
	return len(b), nil
}

func TestResumeAfterTheProcessHasDied(t *testing.T) {
	s := newShop(t)
	content := bytesOf(1_000_000)
	s.cuts = []int{400_000, 0, 0, 0}
	f, err := s.transfers(t).Upload(t.Context(), source(content))
	if err == nil || f.ID != "1" {
		t.Fatalf("it was uploaded: %+v", f)
	}
	if _, err := s.transfers(t).Resume(t.Context(), f.ID, source(content[1:])); err == nil {
		t.Error("another content goes on with it")
	}
	f, err = s.transfers(t).Resume(t.Context(), f.ID, source(content))
	if err != nil || !f.Complete || !bytes.Equal(s.has, content) {
		t.Errorf("it is %+v, %v", f, err)
	}
	if f, err = s.transfers(t).Resume(t.Context(), f.ID, source(content)); err != nil || !f.Complete {
		t.Errorf("of a complete one: %+v, %v", f, err)
	}
}

func TestConnectionWhereNothingMovesIsGivenUp(t *testing.T) {
	held := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-held:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(held)
	get, err := New(nil, Config{HTTP: server.Client(), Pause: time.Millisecond, Tries: 2, IdleTimeout: 20 * time.Millisecond})
	must(t, err)
	into := open(t, t.TempDir(), "")
	if _, err := get.Download(t.Context(), lime.MediaLink{URI: server.URL}, ana, into); !errors.Is(err, errStalled) {
		t.Errorf("it ends with %v", err)
	}
}

var ana = lime.MustParseIdentity("ana@example.org")

func open(t *testing.T, dir, template string) *Directory {
	t.Helper()
	d, err := OpenDirectory(dir, template)
	must(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// stock has the shop have a file.
func (s *shop) stock(content []byte) lime.MediaLink {
	s.has, s.file = content, lime.File{Name: "cat.png"}
	return lime.MediaLink{Type: "image/png", URI: s.http.URL + "/link", Title: "Cat"}
}

func wantFile(t *testing.T, path string, content []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%s has %d bytes, %v", path, len(got), err)
	}
}

// wantEntries wants so many files in and below a directory.
func wantEntries(t *testing.T, dir string, want int) {
	t.Helper()
	n := 0
	must(t, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}))
	if n != want {
		t.Errorf("there are %d files in %s, want %d", n, dir, want)
	}
}

func TestDownloadGoesOnWhereItBroke(t *testing.T) {
	s := newShop(t)
	content := bytesOf(2_000_000)
	link := s.stock(content)
	s.cuts = []int{700_000, 0, 600_000}
	dir := t.TempDir()
	got, err := s.transfers(t).Download(t.Context(), link, ana, open(t, dir, "{type}/{from}"))
	must(t, err)
	sum := sha256.Sum256(content)
	if want := filepath.Join(dir, "image", "ana@example.org", "cat.png"); got.Path != want || got.Size != 2_000_000 || !got.Verified || !bytes.Equal(got.SHA256, sum[:]) {
		t.Errorf("what has come is %+v, want it in %s", got, want)
	}
	wantFile(t, got.Path, content)
	wantEntries(t, dir, 1)
	if len(s.heard) < 4 || !strings.HasPrefix(s.heard[2], "GETbytes=") {
		t.Errorf("the server was asked for %q", s.heard)
	}

	// A later call goes on with what an earlier one has left; of another file it takes nothing.
	link.URI += "?2"
	s.cuts = []int{800_000, 0, 0}
	dir = t.TempDir()
	into := open(t, dir, "")
	if _, err := s.transfers(t).Download(t.Context(), link, ana, into); err == nil {
		t.Fatal("it has come")
	}
	s.heard = nil
	_, err = s.transfers(t).Download(t.Context(), link, ana, into)
	must(t, err)
	if len(s.heard) != 2 || !strings.HasPrefix(s.heard[1], "GETbytes=") {
		t.Errorf("the server was asked for %q", s.heard)
	}
	s.tag, s.has = `"2"`, bytesOf(1000)
	into.Overwrite = true
	got, err = s.transfers(t).Download(t.Context(), link, ana, into)
	must(t, err)
	wantFile(t, got.Path, s.has)
	wantEntries(t, dir, 1)
}

// What is there of a file is read before the rest is asked for, which is progress, and ends with its context.
func TestWhatIsThereOfADownloadIsRead(t *testing.T) {
	s := newShop(t)
	link := s.stock(bytesOf(2_000_000))
	s.cuts = []int{1_500_000, 0}
	into := open(t, t.TempDir(), "")
	few := func(c *Config) { c.Tries = 2 }
	if _, err := s.transfers(t, few).Download(t.Context(), link, ana, into); err == nil {
		t.Fatal("it has come")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var told []int64
	ends := func(c *Config) {
		c.Progress = func(done, total int64) {
			if told = append(told, done); total != 2_000_000 {
				t.Errorf("of %d bytes", total)
			}
			cancel()
		}
	}
	s.heard = nil
	if _, err := s.transfers(t, ends).Download(ctx, link, ana, into); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	if len(told) != 1 || told[0] < 1 || told[0] > 1_000_000 || len(s.heard) != 1 {
		t.Errorf("told of %d; the server was asked for %q", told, s.heard)
	}
	if _, err := s.transfers(t).Download(t.Context(), link, ana, into); err != nil {
		t.Error(err)
	}
}

func TestAFileIsFetchedOnceAtATime(t *testing.T) {
	content, held, began := bytesOf(300_000), make(chan struct{}), make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(content))) // and no tag
		if r.Method == http.MethodHead {
			return
		}
		_, _ = w.Write(content[:100_000])
		w.(http.Flusher).Flush()
		began <- struct{}{}
		<-held
		_, _ = w.Write(content[100_000:])
	}))
	defer server.Close()
	get, err := New(nil, Config{HTTP: server.Client(), Pause: time.Millisecond})
	must(t, err)
	dir := t.TempDir()
	link := lime.MediaLink{URI: server.URL + "/a"}
	first, into := make(chan error, 1), open(t, dir, "")
	go func() {
		_, err := get.Download(t.Context(), link, ana, into)
		first <- err
	}()
	<-began
	if _, err := get.Download(t.Context(), link, ana, open(t, dir, "")); !errors.Is(err, ErrInUse) {
		t.Errorf("the same again: %v", err)
	}
	close(held)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(dir, "a"), content)
	again := open(t, dir, "")
	again.Rename = true
	if _, err := get.Download(t.Context(), link, ana, again); err != nil {
		t.Errorf("when it is over: %v", err)
	}
	wantEntries(t, dir, 2)
}

func TestASessionThatDoesNotAnswerIsGivenUp(t *testing.T) {
	s := newShop(t)
	content := bytesOf(1000)
	silent := func(q *lime.Command) bool { return q.Method == lime.MethodGet }
	send, err := New(unanswered{s, silent}, Config{HTTP: s.http.Client(), Pause: time.Millisecond, Tries: 2, IdleTimeout: 500 * time.Millisecond})
	must(t, err)
	if _, err := send.Upload(t.Context(), source(content)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("when all is there: %v", err)
	}
	if f, err := s.transfers(t).Resume(t.Context(), "1", source(content)); err != nil || !f.Complete {
		t.Errorf("later: %+v, %v", f, err)
	}
}

// unanswered leaves some questions without an answer.
type unanswered struct {
	*shop
	leaves func(*lime.Command) bool
}

func (u unanswered) Command(ctx context.Context, q *lime.Command) (*lime.Command, error) {
	if u.leaves(q) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return u.shop.Command(ctx, q)
}

func TestDownloadTakesAFreeName(t *testing.T) {
	s := newShop(t)
	link := s.stock(bytesOf(1000))
	dir := t.TempDir()
	into := open(t, dir, "")
	into.Rename = true
	for _, name := range []string{"cat.png", "cat (2).png", "cat (3).png"} {
		got, err := s.transfers(t).Download(t.Context(), link, ana, into)
		must(t, err)
		if got.Path != filepath.Join(dir, name) {
			t.Errorf("it is in %s, not %s", got.Path, name)
		}
		wantFile(t, got.Path, s.has)
	}
	wantEntries(t, dir, 3)
}

func TestDownloadTakesNoFilesPlace(t *testing.T) {
	s := newShop(t)
	link := s.stock(bytesOf(1000))
	dir := t.TempDir()
	mine := filepath.Join(dir, "cat.png")
	must(t, os.WriteFile(mine, []byte("mine"), 0o600))
	into := open(t, dir, "")
	if _, err := s.transfers(t).Download(t.Context(), link, ana, into); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another: %v", err)
	}
	wantFile(t, mine, []byte("mine"))
	wantEntries(t, dir, 1)
	into.Overwrite = true
	_, err := s.transfers(t).Download(t.Context(), link, ana, into)
	must(t, err)
	wantFile(t, mine, s.has)
	if _, err := into.settle("cat.png", "cat.png"); err != nil { // with itself it is no trouble
		t.Error(err)
	}
	into.Overwrite = false
	must(t, os.WriteFile(filepath.Join(dir, "part"), nil, 0o600))
	if _, err := into.settle("part", "cat.png"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("one that was made at the last moment: %v", err)
	}
}

func TestDownloadStaysInItsDirectory(t *testing.T) {
	for name, want := range map[string]string{
		"../../evil.sh": "_.._.._evil.sh", "/etc/passwd": "_etc_passwd", `..\evil.exe`: "_.._evil.exe", ".bashrc": "_.bashrc", "": "_",
		"..": "_", "con.txt": "_con.txt", "LPT1": "_LPT1", "a\x00b\nc": "a_b_c", "photo\u202egpj.exe": "photo_gpj.exe", "trailing. . ": "trailing",
		"Relatório (1).pdf": "Relatório (1).pdf", strings.Repeat("ü", 150) + ".pdf": strings.Repeat("ü", 98) + ".pdf",
	} {
		if got := element(name); got != want || !filepath.IsLocal(got) {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	s := newShop(t)
	link := s.stock(bytesOf(100))
	above := t.TempDir()
	dir := filepath.Join(above, "in")
	s.file.Name = "x"
	link.Type = "../../image/png"
	got, err := s.transfers(t).Download(t.Context(), link, lime.Identity{Name: "..", Domain: "../.."}, open(t, dir, "{type}/{from}/{name}"))
	must(t, err)
	if rest, err := filepath.Rel(dir, got.Path); err != nil || !filepath.IsLocal(rest) {
		t.Errorf("it came to %s", got.Path)
	}
	wantEntries(t, dir, 1)
	wantEntries(t, above, 1)

	// A link on this machine that leads out is none.
	elsewhere := t.TempDir()
	must(t, os.Symlink(elsewhere, filepath.Join(dir, "image")))
	link.Type = "image/png"
	if _, err := s.transfers(t).Download(t.Context(), link, ana, open(t, dir, "{type}")); err == nil {
		t.Error("it went through a link out of the directory")
	}
	wantEntries(t, elsewhere, 0)
	for _, template := range []string{"../x", "{who}", "a//b", "."} {
		if _, err := OpenDirectory(t.TempDir(), template); err == nil {
			t.Errorf("%q is a template", template)
		}
	}
}

func TestDownloadOfAnotherFileThanIsSaid(t *testing.T) {
	s := newShop(t)
	link := s.stock(bytesOf(1000))
	s.digest = base64.StdEncoding.EncodeToString(make([]byte, 32))
	dir := t.TempDir()
	if _, err := s.transfers(t).Download(t.Context(), link, ana, open(t, dir, "")); !errors.Is(err, ErrDigest) {
		t.Errorf("it ends with %v", err)
	}
	wantEntries(t, dir, 0)
	s.digest = ""
	if _, err := s.transfers(t, func(c *Config) { c.MaxSize = 999 }).Download(t.Context(), link, ana, open(t, dir, "")); !errors.Is(err, ErrTooLong) {
		t.Errorf("one that is too long ends with %v", err)
	}
	wantEntries(t, dir, 0)
}

func TestLinksLeadWhereTheyMay(t *testing.T) {
	s := newShop(t)
	link := s.stock(bytesOf(1000))
	inside := s.http
	outside := httptest.NewServer(http.RedirectHandler(inside.URL+"/link", http.StatusFound))
	defer outside.Close()
	into := open(t, t.TempDir(), "")
	no := errors.New("not there")
	get := s.transfers(t, func(c *Config) {
		c.Allow = func(u *url.URL) error {
			if "http://"+u.Host == inside.URL {
				return no
			}
			return nil
		}
	})
	for _, uri := range []string{link.URI, outside.URL, "file:///etc/passwd", "ftp://example.org/x", "/link", "http://", ":"} {
		link.URI = uri
		if _, err := get.Download(t.Context(), link, ana, into); !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%s: %v", uri, err)
		}
	}
	if len(s.heard) > 0 {
		t.Errorf("the server was asked for %q", s.heard)
	}
}
