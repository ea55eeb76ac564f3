package client

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

// via is the proxy at a URL.
func via(t testing.TB, text string) func(*url.URL) (*url.URL, error) {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return FixedProxy(u)
}

// tunnels plays the proxy in the next connection: it returns what was asked, and gives the
// connection to the server that accepts next when the answer is that it may.
func (p *place) tunnels(secure bool, answer string) (asked *http.Request, address string) {
	p.t.Helper()
	conn := (<-p.conns).(named)
	if secure {
		certificate, _ := identity()
		conn.Conn = tls.Server(conn.Conn, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert})
	}
	asked, err := http.ReadRequest(bufio.NewReader(conn.Conn))
	if err != nil {
		p.t.Fatalf("what the proxy is asked: %v", err)
	}
	if _, err := io.WriteString(conn.Conn, answer); err != nil {
		p.t.Fatal(err)
	}
	go func() { p.conns <- named{conn.Conn, asked.Host} }()
	return asked, conn.address
}

const opened = "HTTP/1.1 200 Connection established\r\n\r\n"

func TestServersAreReachedThroughAProxy(t *testing.T) {
	for _, tc := range []struct {
		server, proxy string
		dialled       string // the proxy
		target        string
		credentials   string
		answer        string
	}{
		{"ws://server/x", "http://proxy:3128", "proxy:3128", "server:80", "", opened},
		{"ws://server:8080/", "http://ana:pass%3Aword@proxy", "proxy:80", "server:8080", "Basic YW5hOnBhc3M6d29yZA==", opened},
		{"ws://server/", "https://ana@server", "server:443", "server:80", "Basic YW5hOg==", opened},
		{"ws://[::1]/", "http://proxy", "proxy:80", "[::1]:80", "", "HTTP/1.0 299 OK\r\nContent-Length: 7\r\n\r\n"},
		{"wss://server/", "http://proxy", "proxy:80", "server:443", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
		{"wss://server/", "https://server:8443", "server:8443", "server:443", "", opened},
		{"net.tcp://server", "http://proxy", "proxy:80", "server:55321", "", opened},
		{"net.tcp://server:5", "https://ana:x@server", "server:443", "server:5", "Basic YW5hOng=", opened},
	} {
		t.Run(tc.server+" by "+tc.proxy, func(t *testing.T) {
			inMemory(t, func(t *testing.T, p *place) {
				certificate, _ := identity()
				own := believing()
				own.Certificates = []tls.Certificate{certificate}
				d := p.client(tc.server, Config{Proxy: via(t, tc.proxy), ProxyTLS: believing(), TLS: own})
				asked, dialled := p.tunnels(strings.HasPrefix(tc.proxy, "https"), tc.answer)
				if asked.Method != http.MethodConnect || asked.RequestURI != tc.target || asked.Host != tc.target {
					t.Errorf("%s %s of %s is asked", asked.Method, asked.RequestURI, asked.Host)
				}
				if got := asked.Header.Get("Proxy-Authorization"); got != tc.credentials {
					t.Errorf("it shows %q", got)
				}
				if dialled != tc.dialled {
					t.Errorf("%s is dialled", dialled)
				}
				var f *far
				switch {
				case strings.HasPrefix(tc.server, "net.tcp"):
					f = p.raw()
					f.encrypts(`"tls"`, "") // within whatever the proxy has
					go f.read(f.conn)
					f.says(`{"id":"s1","state":"authenticating","schemeOptions":["guest"]}`)
					f.hears("inside", `{"state":"authenticating"}`)
					f.says(`{"id":"s1","to":"` + ana + `","state":"established"}`)
				case strings.HasPrefix(tc.server, "wss"):
					conn := (<-p.conns).(named)
					over := tls.Server(conn.Conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
					go func() { p.conns <- named{over, conn.address} }()
					fallthrough
				default:
					f = p.accept()
					f.begins(ana)
				}
				c := d.get()
				if err := c.Send(within(t), text("1", "x")); err != nil {
					t.Error(err)
				}
				f.hears("a message", `{"id":"1"}`)
			})
		})
	}
}

func TestProxyThatDoesNotConnectIsToldOf(t *testing.T) {
	for _, tc := range []struct {
		name, proxy, answer string
		silent              bool // the proxy leaves it at the answer
		says                string
		want                func(*ProxyError) bool
	}{
		{name: "nobody is there", proxy: "http://nobody:1", says: `proxy http://nobody:1: dial nobody:1: refused`},
		{
			name: "credentials are wanted", proxy: "http://proxy",
			answer: "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
			says:   `407, for ["Negotiate" "Basic"]`,
			want:   func(e *ProxyError) bool { return e.Status == 407 && len(e.Schemes) == 2 },
		},
		{
			name: "others are wanted", proxy: "http://ana:secret@proxy", answer: "HTTP/1.1 407 No\r\n\r\n", says: `proxy http://proxy: it wants other credentials`,
			want: func(e *ProxyError) bool { return e.Status == 407 },
		},
		{
			name: "refused", proxy: "http://ana:secret@proxy", answer: "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nforbidden", says: `proxy http://proxy: refused with HTTP status 403`,
			want: func(e *ProxyError) bool { return e.Status == 403 },
		},
		{name: "no HTTP", proxy: "http://ana:secret@proxy", answer: "SSH-2.0-OpenSSH_9.6\r\n", says: "proxy http://proxy: the answer is not HTTP"},
		{name: "JSON", proxy: "http://proxy", answer: `{"state":"new"}` + "\r\n", says: "the answer is not HTTP"},
		{name: "an end", proxy: "http://proxy", says: "without an answer"},
		{name: "half an answer", proxy: "http://proxy", answer: "HTTP/1.1 200 OK\r\nVia: ", says: "without an answer"},
		{name: "no end", proxy: "http://proxy", answer: "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 1<<20), silent: true, says: "its head is longer"},
		{name: "more than the answer", proxy: "http://proxy", answer: opened + "{", says: "more than that the tunnel is open"},
		{name: "silence", proxy: "http://proxy", silent: true, says: "not within ConnectTimeout"},
		{name: "silence after the head has begun", proxy: "http://proxy", answer: "HTTP/1.1 200", silent: true, says: "not within ConnectTimeout"},
		{name: "no TLS", proxy: "https://server", answer: "HTTP/1.1 400 Bad Request\r\n\r\n", says: "proxy https://server:"},
		{name: "another protocol", proxy: "socks5://ana:secret@proxy", says: "neither http nor https"},
		{name: "no host", proxy: "http://:3128", says: "no host"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, p *place) {
				began := time.Now()
				d := p.client("wss://server/", Config{Proxy: via(t, tc.proxy), ProxyTLS: believing(), ConnectTimeout: 7 * time.Second})
				if tc.answer != "" || tc.silent || strings.Contains(tc.name, "end") {
					conn := <-p.conns
					defer conn.Close()
					if !strings.HasPrefix(tc.proxy, "https") {
						if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
							t.Error(err)
						}
					}
					go func() { _, _ = io.Copy(io.Discard, conn) }()
					go func() {
						_, _ = io.WriteString(conn, tc.answer) // which it need not read
						if !tc.silent {
							conn.Close()
						}
					}()
				}
				err := d.refused()
				var told *ProxyError
				if !errors.As(err, &told) || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "secret") {
					t.Errorf("%v", err)
				} else if tc.want != nil && !tc.want(told) {
					t.Errorf("%+v", told)
				}
				if isFinal(err) {
					t.Error("it is not tried again")
				}
				if took := time.Since(began); took > 7*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// A proxy is chosen for each server, and at each try.
func TestProxyIsChosenForEachServer(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		var asked []string
		fails := errors.New("no idea")
		d := p.client("ws://first/", Config{
			Servers: []string{"net.tcp://second", "wss://server/x"}, TLS: believing(),
			Proxy: func(u *url.URL) (*url.URL, error) {
				asked = append(asked, u.String())
				u.Host = "mine"
				switch len(asked) {
				case 1:
					return nil, fails
				case 2:
					return url.Parse("http://nobody")
				}
				return nil, nil
			},
		})
		certificate, _ := identity()
		conn := (<-p.conns).(named)
		over := tls.Server(conn.Conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
		go func() { p.conns <- named{over, conn.address} }()
		f := p.accept()
		f.begins(ana)
		d.get()
		if got := fmt.Sprint(asked); got != "[ws://first/ net.tcp://second wss://server/x]" || f.address != "server:443" {
			t.Errorf("%s, and then %s is dialled", got, f.address)
		}
	})
}

// Through a proxy localhost is the proxy's, or whatever it takes for it.
func TestNoSecretGoesThroughAProxyInClear(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("net.tcp://localhost", Config{
			Node: lime.MustParseNode(ana), Scheme: Plain(Fixed("secret")), Proxy: via(t, "http://proxy"), Backoff: Backoff{Tries: -1},
		})
		p.tunnels(false, opened)
		f := p.acceptTCP()
		f.hears("new", `{"state":"new"}`)
		f.says(`{"id":"s1","state":"negotiating","encryptionOptions":["none"],"compressionOptions":["none"]}`)
		if err := d.refused(); !errors.Is(err, ErrNotOffered) {
			t.Error(err)
		}
	})
}

// net/http reads the environment once, so that no other test may ask before.
func TestProxyIsThatOfTheEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"HTTP_PROXY": "http://plain:3128", "HTTPS_PROXY": "http://ana:x@secure:3128", "NO_PROXY": "near.example,other.example:55321",
		"http_proxy": "", "https_proxy": "", "no_proxy": "", "REQUEST_METHOD": "",
	} {
		t.Setenv(name, value)
	}
	for server, want := range map[string]string{
		"ws://server/":            "http://plain:3128",
		"wss://server/":           "http://ana:x@secure:3128",
		"net.tcp://server":        "http://ana:x@secure:3128",
		"wss://near.example/":     "<nil>",
		"net.tcp://other.example": "<nil>",
		"wss://other.example/":    "http://ana:x@secure:3128",
		"ws://localhost:8080/":    "<nil>",
		"net.tcp://127.0.0.1":     "<nil>",
	} {
		u, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		proxy, err := ProxyFromEnvironment(u)
		if err != nil || fmt.Sprint(proxy) != want {
			t.Errorf("%s by %v, %v", server, proxy, err)
		}
	}
}
