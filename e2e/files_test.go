package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/files"
)

// sizeOfFile is for `make files`, which wants a gibibyte.
var sizeOfFile = flag.Int64("file-size", 8<<20, "`bytes` of the file that is sent through three edges")

// mostOfAFile is what an edge may have of memory above what it has at rest, while a file goes through it.
const mostOfAFile = 64 << 20

// paper is a content of any size, which nobody has in memory.
type paper int64

// ReadAt is that of io.ReaderAt: each eight bytes are a number made of their place.
func (p paper) ReadAt(b []byte, at int64) (n int, err error) {
	for n < len(b) && at+int64(n) < int64(p) {
		place := at + int64(n)
		x := uint64(place/8+1) * 0x9E3779B97F4A7C15
		x = (x ^ x>>29) * 0xBF58476D1CE4E5B9
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], x^x>>32)
		n += copy(b[n:min(int64(len(b)), int64(p)-at)], word[place%8:])
	}
	if n < len(b) {
		err = io.EOF
	}
	return n, err
}

// balancer has connections go to one edge, and those that come later to another.
type balancer struct {
	net.Listener
	to   atomic.Pointer[string]
	hold atomic.Pointer[hold] // nil for none

	all sync.WaitGroup
}

// hold has what clients send go no further after so many bytes, until the edge that it is for has gone.
type hold struct {
	left  atomic.Int64
	begun chan struct{} // closed when it is there
	once  sync.Once
}

func newHold(after int64) *hold {
	h := &hold{begun: make(chan struct{})}
	h.left.Store(after)
	return h
}

// heldWriter is an edge's connection with what holds it.
type heldWriter struct {
	net.Conn
	b    *balancer
	gone chan struct{} // closed when the edge has
}

// Write is that of io.Writer.
func (w heldWriter) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	if h := w.b.hold.Load(); h != nil && h.left.Add(-int64(n)) <= 0 {
		h.once.Do(func() { close(h.begun) })
		<-w.gone
	}
	return n, err
}

func startBalancer(t *testing.T) *balancer {
	t.Helper()
	ln, err := net.Listen("tcp", address(0))
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{Listener: ln}
	b.all.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			b.all.Go(func() { b.pass(client) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		b.all.Wait()
	})
	return b
}

func (b *balancer) pass(client net.Conn) {
	defer client.Close()
	edge, err := net.Dial("tcp", *b.to.Load())
	if err != nil {
		return
	}
	defer edge.Close()
	var back sync.WaitGroup
	gone := make(chan struct{})
	back.Go(func() {
		_, _ = io.Copy(client, edge) // either side may go
		_ = client.Close()
		close(gone)
	})
	_, _ = io.Copy(heldWriter{edge, b, gone}, client)
	_ = edge.Close()
	back.Wait()
}

// fileCluster is three edges with files, behind a balancer.
type fileCluster struct {
	*cluster
	at    *balancer
	ports []string // of the edges' files
}

func startFiles(t *testing.T, more ...string) *fileCluster {
	t.Helper()
	c := &fileCluster{cluster: &cluster{nats: startNATS(t)}, at: startBalancer(t)}
	c.broker = c.nats.url
	c.settings = append([]string{"-files-url", "http://" + c.at.Addr().String(), "-file-guests"}, more...)
	c.start(t, 0)
	for range 3 {
		c.ports = append(c.ports, address(freePorts(t, 1)))
		c.addEdge(t, "-files", c.ports[len(c.ports)-1], "-file-idle-timeout", "10s")
	}
	c.at.to.Store(&c.ports[0])
	return c
}

// passOn kills an edge, and has the next one take what comes.
func (c *fileCluster) passOn(n int) {
	c.edges[n].kill()
	c.at.to.Store(&c.ports[n+1])
}

// guest logs in at the edge that survives.
func (c *fileCluster) guest(t *testing.T, name string) *client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	one, err := client.Dial(ctx, c.edges[2].url, client.Config{
		Node: lime.MustParseNode(name + "@" + domain), Presence: &lime.Presence{Status: lime.StatusAvailable},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(one.Close)
	return one
}

// watched is the most memory that a process was seen with.
type watched struct {
	p          *process
	rest, most int64
	stop       func()
}

// watch looks at a process's memory until stop is called.
func watch(t *testing.T, p *process) *watched {
	t.Helper()
	w := &watched{p: p, rest: resident(p)}
	w.most = w.rest
	ctx, cancel := context.WithCancel(context.Background())
	var looking sync.WaitGroup
	looking.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			w.most = max(w.most, resident(p))
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	w.stop = sync.OnceFunc(func() {
		cancel()
		looking.Wait()
	})
	t.Cleanup(w.stop)
	return w
}

// resident is a process's memory of its own, in bytes; 0 of one that has ended, and where the system does not tell.
func resident(p *process) (bytes int64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			_, _ = fmt.Sscan(rest, &bytes) // what is not there is 0
		}
	}
	return bytes << 10
}

func (w *watched) judge(t *testing.T, what string) {
	t.Helper()
	w.stop()
	above := w.most - w.rest
	t.Logf("%s: %.1f MiB at rest, %.1f MiB more at most", what, float64(w.rest)/(1<<20), float64(above)/(1<<20))
	if above > mostOfAFile && !raced {
		t.Errorf("%s has %d bytes more than at rest, want %d at most", what, above, mostOfAFile)
	}
}

// TestFileOutlivesItsEdges sends a file through an edge that is killed in the middle, and has another one take the
// rest; that one is killed when it has given half of it, and a third gives the rest. `make files` does it with a gibibyte.
func TestFileOutlivesItsEdges(t *testing.T) {
	t.Parallel()
	c := startFiles(t)
	ana, rui := c.guest(t, "ana/home"), c.guest(t, "rui/home")
	content := paper(*sizeOfFile)
	first, second, third := watch(t, c.edges[0].process), watch(t, c.edges[1].process), watch(t, c.edges[2].process)

	var killed atomic.Bool
	began := time.Now()
	up, err := files.New(ana, files.Config{Pause: 50 * time.Millisecond, Progress: func(done, total int64) {
		if done > total/2 && killed.CompareAndSwap(false, true) {
			first.stop()
			c.passOn(0)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := up.Upload(t.Context(), files.Source{Name: "a large one.bin", Size: int64(content), Content: content})
	if err != nil || !sent.Complete || !killed.Load() {
		t.Fatalf("the upload is %+v, its edge killed: %t, %v", sent, killed.Load(), err)
	}
	t.Logf("uploaded in %v", time.Since(began).Round(time.Millisecond))

	link, err := json.Marshal(sent.Link())
	if err != nil {
		t.Fatal(err)
	}
	if err := ana.Publish(t.Context(), &lime.Message{ID: "1", To: rui.Node(), Type: lime.MediaLinkType, Content: link}); err != nil {
		t.Fatal(err)
	}
	var got lime.MediaLink
	var from lime.Node
	for m, err := range rui.Messages(t.Context()) {
		if err == nil {
			err = json.Unmarshal(m.Content, &got)
		}
		if err != nil || m.Type != lime.MediaLinkType {
			t.Fatalf("%s came, %v", m.Type, err)
		}
		from = m.From
		break
	}

	dir := t.TempDir()
	into, err := files.OpenDirectory(dir, "{type}/{from}")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = into.Close() }()
	began = time.Now()
	killed.Store(false)
	down, err := files.New(nil, files.Config{Pause: 50 * time.Millisecond, Progress: func(done, total int64) {
		if done > total/2 && killed.CompareAndSwap(false, true) {
			second.stop()
			c.passOn(1)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := down.Download(t.Context(), got, from.Identity, into)
	if err != nil || !killed.Load() {
		t.Fatalf("the download's edge killed: %t, %v", killed.Load(), err)
	}
	t.Logf("downloaded in %v", time.Since(began).Round(time.Millisecond))
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(content, 0, int64(content))); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "application", "ana@"+domain, "a large one.bin"); fetched.Path != want || !fetched.Verified ||
		!slices.Equal(fetched.SHA256, sum.Sum(nil)) || hex.EncodeToString(fetched.SHA256) != sent.SHA256 {
		t.Errorf("what has come is %+v, want it in %s with the digest %x", fetched, want, sum.Sum(nil))
	}
	first.judge(t, "the edge that took the first half")
	second.judge(t, "the edge that took the second half and gave the first")
	third.judge(t, "the edge that gave the second half")
}

// TestFilesHaveTheirBounds: who may, how much, and for how long, in processes.
func TestFilesHaveTheirBounds(t *testing.T) {
	t.Parallel()
	c := startFiles(t, "-file-size", "1000", "-file-quota", "1500")
	ana, rui := c.guest(t, "ana/home"), c.guest(t, "rui/home")
	up, err := files.New(ana, files.Config{Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	put := func(size int64) (lime.File, error) {
		return up.Upload(t.Context(), files.Source{Name: "a.html", Type: "text/html", Size: size, Content: paper(size)})
	}
	kept, err := put(1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{1001, 501} {
		var reason *lime.Reason
		if _, err := put(size); !errors.As(err, &reason) || reason.Code != lime.CodeAuthorizationQuotaThresholdExceeded {
			t.Errorf("%d bytes more: %v", size, err)
		}
	}
	status := func(uri string) int {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, uri, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if r.StatusCode == http.StatusOK && (r.Header.Get("Content-Security-Policy") == "" || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment")) {
			t.Errorf("it may be shown as a page: %v", r.Header)
		}
		return r.StatusCode
	}
	guessed := strings.Replace(kept.URI, "/"+kept.ID+"/", "/"+kept.ID+"/x", 1)
	for uri, want := range map[string]int{kept.URI: 200, guessed: 404, kept.Download.URI: 401} {
		if got := status(uri); got != want {
			t.Errorf("%s is answered %d, want %d", uri, got, want)
		}
	}
	ask := func(by *client.Client, method lime.Method) error {
		_, err := by.Command(t.Context(), &lime.Command{Method: method, URI: "/files/" + kept.ID})
		return err
	}
	if reason := lime.AsReason(ask(rui, lime.MethodDelete)); reason == nil || reason.Code != lime.CodeCommandResourceNotFound {
		t.Errorf("somebody else removes it: %v", reason)
	}
	if err := ask(ana, lime.MethodDelete); err != nil {
		t.Error(err)
	}
	if got := status(kept.URI); got != http.StatusNotFound {
		t.Errorf("after it was removed its link is answered %d", got)
	}
	if _, err := put(1000); err != nil {
		t.Errorf("its room is not given back: %v", err)
	}
}
