package client

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// FixedProxy is a Config.Proxy that has every server reached through one proxy.
func FixedProxy(proxy *url.URL) func(*url.URL) (*url.URL, error) {
	return func(*url.URL) (*url.URL, error) { return proxy, nil }
}

// ProxyFromEnvironment is a Config.Proxy that goes by HTTPS_PROXY for wss and net.tcp, by
// HTTP_PROXY for ws, and by NO_PROXY, or their names in lower case, as
// http.ProxyFromEnvironment does: they are read once in a process, and localhost and loopback
// addresses have no proxy.
func ProxyFromEnvironment(server *url.URL) (*url.URL, error) {
	asked := &url.URL{Scheme: "https", Host: server.Host}
	switch server.Scheme {
	case "ws":
		asked.Scheme = "http"
	case "net.tcp": // whose port is not that of https when it is absent
		asked.Host = address{url: server}.hostPort()
	}
	return http.ProxyFromEnvironment(&http.Request{URL: asked})
}

// viaProxy returns the address with the proxy through which it is reached, if there is one.
func (c *Config) viaProxy(a address) (address, error) {
	if c.Proxy == nil {
		return a, nil
	}
	asked := *a.url
	proxy, err := c.Proxy(&asked)
	if err != nil {
		return a, fmt.Errorf("choose a proxy: %w", err)
	}
	if proxy == nil {
		return a, nil
	}
	if proxy.Scheme != "http" && proxy.Scheme != "https" {
		return a, proxyError(proxy, errors.New("its scheme is neither http nor https"))
	}
	if proxy.Hostname() == "" {
		return a, proxyError(proxy, errors.New("it has no host"))
	}
	a.proxy = proxy
	return a, nil
}

// tunnel connects to host:port through a proxy: RFC 9110, section 9.3.6.
func (c *Client) tunnel(ctx context.Context, proxy *url.URL, network, to string) (net.Conn, error) {
	port := "80"
	if proxy.Scheme == "https" {
		port = "443"
	}
	conn, err := c.netDial(ctx, network, net.JoinHostPort(proxy.Hostname(), cmp.Or(proxy.Port(), port)))
	if err != nil {
		return nil, proxyError(proxy, err)
	}
	if proxy.Scheme == "https" {
		over := tls.Client(conn, tlsConfig(c.cfg.ProxyTLS, proxy.Hostname()))
		if err := over.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, proxyError(proxy, fmt.Errorf("TLS handshake: %w", err))
		}
		conn = over
	}
	stop := interruptible(ctx, conn)
	err = connect(conn, proxy, to)
	if late := stop(); late != nil {
		err = proxyError(proxy, late)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// errNotHTTP matches the end of a proxy that speaks something else.
var errNotHTTP = errors.New("the answer is not HTTP")

// connect has a proxy connect to host:port.
func connect(conn net.Conn, proxy *url.URL, to string) error {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: to}, Host: to, Header: http.Header{}}
	if who := proxy.User; who != nil {
		password, _ := who.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(who.Username()+":"+password)))
	}
	var text bytes.Buffer
	if err := request.Write(&text); err != nil {
		return proxyError(proxy, err)
	}
	if _, err := conn.Write(text.Bytes()); err != nil {
		return proxyError(proxy, err)
	}
	limited := &io.LimitedReader{R: conn, N: maxHead}
	in := bufio.NewReader(limited)
	// There is no body to close: what follows the head is the tunnel's, or of no interest.
	answer, err := http.ReadResponse(in, request) //nolint:bodyclose // see above
	switch {
	case err != nil && limited.N <= 0:
		return proxyError(proxy, fmt.Errorf("%w: its head is longer than %d bytes", errNotHTTP, maxHead))
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return proxyError(proxy, fmt.Errorf("it has ended the connection without an answer: %w", err))
	case err != nil && errors.As(err, new(net.Error)):
		return proxyError(proxy, err)
	case err != nil:
		return proxyError(proxy, fmt.Errorf("%w: %w", errNotHTTP, err))
	case answer.StatusCode/100 != 2:
		return &ProxyError{
			Proxy: bare(proxy), Status: answer.StatusCode,
			Schemes: schemes(answer.Header.Values("Proxy-Authenticate")),
		}
	case in.Buffered() > 0: // clients speak first, over WebSocket, TLS and TCP
		return proxyError(proxy, errors.New("it says more than that the tunnel is open"))
	}
	return nil
}

// schemes are the names of the schemes of authentication that a proxy takes.
func schemes(challenges []string) (names []string) {
	for _, challenge := range challenges {
		name, _, _ := strings.Cut(challenge, " ")
		names = append(names, name)
	}
	return names
}

// ProxyError is a connection that a proxy did not make. It unwraps to what was wrong with
// the proxy itself, if it was that.
type ProxyError struct {
	Proxy   string   // its URL, without credentials
	Status  int      // of its answer in HTTP; 0 when it has given none
	Schemes []string // of authentication that it takes, with the status 407; only Basic is spoken here

	Err error // why there was no answer; nil with a Status
}

// Error tells what the proxy has said, or why it has not.
func (e *ProxyError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("proxy %s: %v", e.Proxy, e.Err)
	case e.Status == http.StatusProxyAuthRequired:
		return fmt.Sprintf("proxy %s: it wants other credentials, HTTP status 407, for %q", e.Proxy, e.Schemes)
	}
	return fmt.Sprintf("proxy %s: refused with HTTP status %d", e.Proxy, e.Status)
}

// Unwrap returns Err.
func (e *ProxyError) Unwrap() error { return e.Err }

func proxyError(proxy *url.URL, err error) error { return &ProxyError{Proxy: bare(proxy), Err: err} }

// bare is a URL without credentials.
func bare(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host}
	return shown.String()
}
