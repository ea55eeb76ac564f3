package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"limegrove/lime"
	"limegrove/lime/client"
)

// wrongPort is that a server speaks another protocol at a port than the URL says.
type wrongPort struct {
	error
	hint string
}

// Unwrap is the error that was before.
func (w *wrongPort) Unwrap() error { return w.error }

// Error tells what happened, and what it comes of.
func (w *wrongPort) Error() string { return w.error.Error() + "; " + w.hint }

// loginError is one of a login at a URL, which the client's own begins with.
func loginError(what, at string, err error) error {
	if strings.HasPrefix(err.Error(), at) {
		return fmt.Errorf("%s at %w", what, err)
	}
	return fmt.Errorf("%s at %s: %w", what, at, err)
}

// commandError is one of a command, which the client's own begins with as well.
func commandError(method lime.Method, uri string, err error) error {
	if what := fmt.Sprintf("%s %s", method, uri); !strings.HasPrefix(err.Error(), what) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return err
}

// asGuest adds to the refusal of what is for accounts that nobody has logged in.
func (a *app) asGuest(err error) error {
	p, wrong := a.profile()
	var why *lime.Reason
	if err == nil || wrong != nil || p.Identity != "" || !errors.As(err, &why) || why.Code != lime.CodeAuthorizationPermissionRequired {
		return err
	}
	return fmt.Errorf("%w; you are a guest: lime login makes you somebody", err)
}

// keyOffered adds to the refusal of a key what has edges take keys.
func (p *profile) keyOffered(err error) error {
	if p.Key == "" || !errors.Is(err, client.ErrNotOffered) {
		return err
	}
	return fmt.Errorf("%w; edges take keys that are started with them: -auth guest,plain,key", err)
}

// roomHint adds to the refusal of a room what helps.
func roomHint(err error) error {
	var why *lime.Reason
	if !errors.As(err, &why) || why.Code != lime.CodeCommandNotAllowed && why.Code != lime.CodeAuthorizationUnauthorizedSender {
		return err
	}
	return fmt.Errorf("%w; rooms in /chat, such as #lobby, are open unless the cluster says otherwise; others need a grant (lime grants add) or the edges' -room-rules", err)
}

// roomPath is the path of a room as somebody has named it: that, or #name for one in /chat, as in lime chat.
func roomPath(text string) (string, error) {
	if short, ok := strings.CutPrefix(text, "#"); ok {
		odd := func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N) && r != '-' && r != '_' }
		if short == "" || strings.ContainsFunc(short, odd) {
			return "", usage("ROOM: %q is none: a short name has letters, digits, hyphens and underscores", text)
		}
		return "/chat/" + strings.ToLower(short), nil
	}
	if !strings.HasPrefix(text, "/") {
		return "", usage("ROOM: %q does not begin with / or #", text)
	}
	return text, nil
}

// checkURL refuses what is no URL of one of some schemes.
func checkURL(flag, text string, schemes ...string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		return usage("%s: %q is no URL that begins with %s://", flag, text, strings.Join(schemes, ":// or "))
	}
	return nil
}

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
	var upgrade *client.HTTPError
	if errors.As(err, &upgrade) && speaksNoLIME(upgrade.Status) {
		return &wrongPort{err, u.Host + " is no LIME port, or has LIME at another path"}
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
		if u.Scheme == "ws" && errors.Is(err, io.EOF) && !errors.Is(err, client.ErrLost) {
			return fmt.Errorf("%w; %s ends the connection: is it the port of LIME over TCP, net.tcp://?", err, u.Host)
		}
	case "net.tcp":
		if errors.Is(err, client.ErrProtocol) {
			return &wrongPort{err, u.Host + " speaks no LIME over TCP there: is it the port of a WebSocket, ws:// or wss://?"}
		}
	}
	return err
}

// speaksNoLIME tells whether a status of HTTP is that of a server that has no sessions there.
func speaksNoLIME(status int) bool {
	return status < http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
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
