package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"limegrove/lime"
	"limegrove/lime/client"
)

// What a status says. Scripts rely on it.
const (
	statusDone    = 0 // all was done
	statusFailed  = 1 // it was not, for another reason than those below
	statusUsage   = 2 // the command line is of no use
	statusAway    = 3 // nobody answers there, or not with a certificate that is believed
	statusLate    = 4 // there was no answer in time
	statusRefused = 5 // the answer is no, and has a reason
)

// usageError is a command line that is of no use.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// fault is what is told of an error, as JSON with -o json.
type fault struct {
	Kind   string    `json:"kind"`           // failed, usage, away, certificate, protocol, late, refused
	Code   lime.Code `json:"code,omitempty"` // of the reason why it is refused
	Text   string    `json:"error"`
	status int
}

// faultOf tells errors apart.
func faultOf(err error) fault {
	f := fault{Kind: "failed", Text: err.Error(), status: statusFailed}
	var (
		wrong   usageError
		why     *lime.Reason
		refused *answerError
		http    *client.HTTPError
		noHost  *net.DNSError
		op      *net.OpError
	)
	switch {
	case errors.As(err, new(*wrongPort)):
		f.Kind, f.status = "protocol", statusAway
	case errors.As(err, &wrong):
		f.Kind, f.status = "usage", statusUsage
	case errors.As(err, &refused):
		f.Kind, f.status, f.Code = "refused", statusRefused, refused.code
	case errors.As(err, &why):
		f.Kind, f.status, f.Code = "refused", statusRefused, why.Code
	case errors.As(err, &http), errors.Is(err, client.ErrNotOffered):
		f.Kind, f.status = "refused", statusRefused
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		f.Kind, f.status, f.Text = "late", statusLate, "no answer in time: "+err.Error()
	case isCertificate(err):
		f.Kind, f.status, f.Text = "certificate", statusAway, err.Error()+"; --ca names who is to be believed"
	case errors.As(err, &noHost), errors.As(err, &op), errors.Is(err, client.ErrLost), errors.Is(err, client.ErrProtocol), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.Kind, f.status = "away", statusAway
	}
	return f
}

// isCertificate tells whether the peer's certificate is not believed, or it speaks no TLS.
func isCertificate(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(x509.UnknownAuthorityError)) ||
		errors.As(err, new(x509.HostnameError)) || errors.As(err, new(tls.RecordHeaderError)) || errors.As(err, new(tls.AlertError))
}

// status tells people of an error, and returns the program's status.
func (a *app) status(err error) int {
	if err == nil {
		return statusDone
	}
	f := faultOf(err)
	if a.output == outputJSON {
		if json.NewEncoder(a.err).Encode(f) == nil {
			return f.status
		}
	}
	_, _ = fmt.Fprintf(a.err, "lime: %s\n", oneLine(f.Text)) // nobody to tell is no trouble
	return f.status
}
