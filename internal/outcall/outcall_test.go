package outcall

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"limegrove/internal/leaktest"
)

func TestMain(m *testing.M) { os.Exit(leaktest.Run(m)) }

// server is one that does what a test says, and a client of it.
func server(t *testing.T, cfg Config, handle http.HandlerFunc) (url string, c *Client) {
	t.Helper()
	s := httptest.NewServer(handle)
	c = New(cfg)
	t.Cleanup(func() {
		c.Close()
		s.Close()
	})
	return s.URL, c
}

func get(t *testing.T, c *Client, url string, judge func(*Answer) error) (*Answer, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if judge == nil {
		judge = func(*Answer) error { return nil }
	}
	return c.Do(r, judge)
}

func TestASocketIsReachedByNoProxy(t *testing.T) {
	if own := New(Config{Socket: "/x"}).http.Transport.(*http.Transport); own.Proxy != nil {
		t.Error("a proxy may be asked")
	}
}

func TestAnswersAreBounded(t *testing.T) {
	url, c := server(t, Config{Answer: 10}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", len(r.URL.Path)))
	})
	a, err := get(t, c, url+"/123456789", nil)
	if err != nil || a.Status != 200 || string(a.Body) != "xxxxxxxxxx" || a.Cut != nil {
		t.Errorf("got %+v, %v", a, err)
	}
	if a, err := get(t, c, url+"/1234567890", nil); err != nil || a.Body != nil || !errors.Is(a.Cut, ErrTooLong) {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestRedirectsAreFollowedToTheSameHostAndNotForEver(t *testing.T) {
	url, c := server(t, Config{Redirects: 2}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://localhost.invalid/", http.StatusFound)
		case "/xx":
			_, _ = io.WriteString(w, "here")
		default:
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}
	})
	for path, want := range map[string]int{"/": 200, "/x": 200, "/y": 302, "/away": 302} {
		if a, err := get(t, c, url+path, nil); err != nil || a.Status != want {
			t.Errorf("%s: got %+v, %v, want %d", path, a, err, want)
		}
	}
}

func TestRedirectsStayInsideTLS(t *testing.T) {
	plain, _ := server(t, Config{}, func(http.ResponseWriter, *http.Request) { t.Error("it is asked in clear") })
	s := httptest.NewTLSServer(http.RedirectHandler(plain, http.StatusFound))
	defer s.Close()
	c := New(Config{Redirects: 2, Transport: s.Client().Transport})
	defer c.Close()
	if a, err := get(t, c, s.URL, nil); err != nil || a.Status != http.StatusFound {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestHeadsAreBounded(t *testing.T) {
	url, c := server(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "a="+strings.Repeat("x", maxHead))
	})
	if a, err := get(t, c, url, nil); err == nil {
		t.Errorf("got a head of %d bytes", len(a.Header.Get("Set-Cookie")))
	}
}

func TestSoManyCallsAtOnceAndNoMore(t *testing.T) {
	here, goOn := make(chan struct{}), make(chan struct{})
	url, c := server(t, Config{Calls: 1}, func(http.ResponseWriter, *http.Request) {
		here <- struct{}{}
		<-goOn
	})
	done := make(chan error)
	go func() {
		_, err := get(t, c, url, nil)
		done <- err
	}()
	<-here
	if _, err := get(t, c, url, nil); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWhoFailsIsLeftAlone(t *testing.T) {
	var asked atomic.Int32
	url, c := server(t, Config{Timeout: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); r.URL.Path == "/slow" {
			<-r.Context().Done()
		}
		w.WriteHeader(http.StatusTeapot)
	})
	bad := errors.New("bad")
	for range 4 {
		if a, err := get(t, c, url, func(*Answer) error { return bad }); !errors.Is(err, bad) {
			t.Errorf("got %+v, %v", a, err)
		}
	}
	if c.LeftAlone() {
		t.Error("it is left alone too early")
	}
	if _, err := get(t, c, url+"/slow", nil); err == nil {
		t.Error("it has answered")
	}
	if _, err := get(t, c, url, nil); !errors.Is(err, ErrLeftAlone) || !c.LeftAlone() || asked.Load() != 5 {
		t.Errorf("after %d calls got %v", asked.Load(), err)
	}
}

func TestAServerBehindASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host+r.URL.Path) }))
	s.Listener = ln
	s.Start()
	defer s.Close()
	c := New(Config{Socket: path})
	defer c.Close()
	if a, err := get(t, c, "http://api.example.org/x", nil); err != nil || string(a.Body) != "api.example.org/x" {
		t.Errorf("got %+v, %v", a, err)
	}
}
