package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/gobwas/ws"
)

// open connects to an address and, for WebSocket, upgrades.
func (c *Client) open(ctx context.Context, a address) (*wire, error) {
	if c.cfg.encryption(a) == RequireTLS && a.url.Scheme == "ws" {
		return nil, fmt.Errorf("%w: encryption over ws://", ErrNotOffered)
	}
	if a.overTCP() {
		conn, err := c.dialTCP(ctx, a, "tcp", a.hostPort())
		if err != nil {
			return nil, err
		}
		return newWire(conn.(*ear), nil, c.cfg.MaxEnvelope), nil
	}
	var dialled *ear
	refused := &HTTPError{}
	d := ws.Dialer{
		Protocols: []string{"lime"}, // L-TRN-01
		Header:    ws.HandshakeHeaderHTTP(c.cfg.Header),
		TLSConfig: c.cfg.tls(a.url.Hostname()),
		NetDial: func(ctx context.Context, network, to string) (net.Conn, error) {
			conn, err := c.dialTCP(ctx, a, network, to)
			if err == nil {
				dialled = conn.(*ear)
			}
			return conn, err
		},
		OnStatusError: refused.read,
	}
	conn, in, _, err := d.Dial(ctx, a.url.String())
	if err != nil {
		if dialled != nil {
			dialled.Close()
		}
		if errors.As(err, new(ws.StatusError)) {
			err = refused
		}
		return nil, err
	}
	if in == nil {
		in = bufio.NewReaderSize(conn, smallBuffer)
	}
	w := newWire(dialled, in, c.cfg.MaxEnvelope)
	w.conn, w.secure = conn, a.url.Scheme == "wss"
	return w, nil
}

// dialTCP connects to a server, through the address's proxy if it has one. It returns an *ear.
func (c *Client) dialTCP(ctx context.Context, a address, network, to string) (conn net.Conn, err error) {
	if a.proxy != nil {
		conn, err = c.tunnel(ctx, a.proxy, network, to)
	} else {
		conn, err = c.netDial(ctx, network, to)
	}
	if err != nil {
		return nil, err
	}
	return &ear{Conn: conn, began: time.Now()}, nil
}

func (c *Client) netDial(ctx context.Context, network, to string) (net.Conn, error) {
	if c.cfg.NetDial != nil {
		return c.cfg.NetDial(ctx, network, to)
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

// maxHead bounds what is read of an HTTP answer.
const maxHead = 16 << 10

// read takes an answer that is no upgrade.
func (e *HTTPError) read(status int, _ []byte, answer io.Reader) {
	e.Status = status
	r, err := http.ReadResponse(bufio.NewReader(io.LimitReader(answer, maxHead)), nil)
	if err != nil {
		return // the status is enough
	}
	defer r.Body.Close()
	if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(min(seconds, 1<<20)) * time.Second
	}
}
