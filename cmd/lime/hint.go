package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
)

// wrongPort is that a server speaks another protocol at a port than the URL says.
type wrongPort struct {
	error
	hint string
}

func (w *wrongPort) Unwrap() error { return w.error }

// Error tells what happened, and what it comes of.
func (w *wrongPort) Error() string { return w.error.Error() + "; " + w.hint }

// probeTime is how long is looked for TLS at a port.
const probeTime = 2 * time.Second

// explain adds to an error of somebody who has tried a URL what the port speaks, where it is not what the URL says.
func (a *app) explain(ctx context.Context, at string, err error) error {
	u, bad := url.Parse(at)
	if err == nil || bad != nil || u.Host == "" || ctx.Err() != nil {
		return err
	}
	other := map[string]string{"ws": "wss", "wss": "ws", "http": "https", "https": "http", "net.tcp": "ws"}[u.Scheme]
	instead := func(what string) error {
		return &wrongPort{err, fmt.Sprintf("%s speaks %s: %s:// in the place of %s://", u.Host, what, other, u.Scheme)}
	}
	switch u.Scheme {
	case "wss", "https":
		if errors.As(err, new(tls.RecordHeaderError)) || errors.Is(err, http.ErrSchemeMismatch) {
			return instead("no TLS there")
		}
	case "ws", "http":
		// Servers of TLS answer 400 in clear, or nothing.
		if mayBeTLS(err) && speaksTLS(ctx, u, a.timeout) {
			return instead("TLS there")
		}
	case "net.tcp":
		if errors.Is(err, client.ErrProtocol) {
			return &wrongPort{err, u.Host + " speaks no LIME over TCP there: is it the port of a WebSocket, ws:// or wss://?"}
		}
	}
	return err
}

// mayBeTLS tells whether a server was there that would not do what it was asked to, and not with words of its own.
func mayBeTLS(err error) bool {
	var op *net.OpError
	var late net.Error
	var upgrade *client.HTTPError
	var refused *answerError
	switch {
	case errors.As(err, &op) && op.Op == "dial", errors.As(err, new(*net.DNSError)), errors.As(err, new(*lime.Reason)), errors.As(err, new(usageError)):
		return false
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return false
	case errors.As(err, &upgrade):
		return upgrade.Status == http.StatusBadRequest
	case errors.As(err, &refused):
		return refused.status == http.StatusBadRequest
	}
	return true
}

// speaksTLS tells whether a server does, whoever it is: nothing is said to it.
func speaksTLS(ctx context.Context, u *url.URL, most time.Duration) bool {
	port := u.Port()
	if port == "" {
		port = "80"
	}
	ctx, cancel := context.WithTimeout(ctx, min(probeTime, most))
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: u.Hostname()}} //nolint:gosec // whether there is TLS is all that is asked
	nc, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if nc != nil {
		_ = nc.Close()
	}
	var broken tls.RecordHeaderError
	var alert tls.AlertError
	return err == nil || !errors.As(err, &broken) && errors.As(err, &alert) // one that wants a certificate, for example
}
