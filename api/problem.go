package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"limegrove/lime"
)

// problemType is where the document says what a problem is; the kind follows. RFC 9457, section 3.1.1.
const problemType = "/openapi.json#/x-problems/"

// problem is an error as it is told: RFC 9457.
type problem struct {
	kind   string
	status int
	detail string
	member string    // of the body, that is wrong
	code   lime.Code // LIME's; 0 for none
	told   []Told    // what was told of a message that has failed
	after  time.Duration
	allow  string // with 405
}

// Error is for logs.
func (p *problem) Error() string { return fmt.Sprintf("%s (%d): %s", p.kind, p.status, p.detail) }

// MarshalJSON writes it as application/problem+json.
func (p *problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Type   string    `json:"type"`
		Title  string    `json:"title"`
		Status int       `json:"status"`
		Detail string    `json:"detail,omitempty"`
		Member string    `json:"member,omitempty"`
		Code   lime.Code `json:"code,omitempty"`
		Events []Told    `json:"events,omitempty"`
	}{problemType + p.kind, http.StatusText(p.status), p.status, p.detail, p.member, p.code, p.told})
}

// reply is the problem on its way out.
func (p *problem) reply() reply {
	r := reply{status: p.status, problem: true, body: p, header: http.Header{}}
	if p.after > 0 {
		r.header.Set("Retry-After", strconv.Itoa(int((p.after+time.Second-1)/time.Second)))
	}
	if p.allow != "" {
		r.header.Set("Allow", p.allow)
	}
	if p.status == http.StatusUnauthorized {
		r.header.Set("WWW-Authenticate", `Bearer realm="limegrove"`)
	}
	return r
}

// Kinds of problems; the document has each.
const (
	kindUnknownKey  = "unknown-key"
	kindForbidden   = "forbidden"
	kindNotFound    = "not-found"
	kindMethod      = "method-not-allowed"
	kindMalformed   = "malformed"
	kindInvalid     = "invalid"
	kindTooLarge    = "too-large"
	kindMediaType   = "unsupported-media-type"
	kindRefused     = "refused"
	kindConflict    = "conflict"
	kindRunning     = "still-running"
	kindMismatch    = "idempotency-mismatch"
	kindTooMany     = "too-many-requests"
	kindTimeout     = "timeout"
	kindUnavailable = "unavailable"
	kindInternal    = "internal"
)

func invalid(member, format string, args ...any) *problem {
	return &problem{kind: kindInvalid, status: http.StatusBadRequest, member: member, detail: fmt.Sprintf(format, args...)}
}

func forbidden(format string, args ...any) *problem {
	return &problem{kind: kindForbidden, status: http.StatusForbidden, detail: fmt.Sprintf(format, args...)}
}

func unavailable(detail string) *problem {
	return &problem{kind: kindUnavailable, status: http.StatusServiceUnavailable, detail: detail, after: time.Second}
}

// problemOf makes what an operation has returned a problem. One of ours says nothing of itself; it is
// not ok then.
func problemOf(err error) (p *problem, ok bool) {
	if p, is := errors.AsType[*problem](err); is {
		return p, true
	}
	if why := lime.AsReason(err); why != nil {
		return refused(why), true
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return &problem{kind: kindNotFound, status: http.StatusNotFound, detail: "There is no such thing"}, true
	case errors.Is(err, ErrIDInUse):
		return &problem{kind: kindConflict, status: http.StatusConflict, detail: "Another request sends a message with this id"}, true
	case errors.Is(err, ErrTooMany):
		return &problem{kind: kindConflict, status: http.StatusConflict, detail: "There are as many as there may be"}, true
	case errors.Is(err, ErrUnavailable):
		return unavailable("The cluster cannot do it now"), true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &problem{kind: kindTimeout, status: http.StatusGatewayTimeout, detail: "There was no answer in time"}, true
	}
	return &problem{kind: kindInternal, status: http.StatusInternalServerError, detail: "It could not be done"}, false
}

// refused is the problem of a reason.
func refused(why *lime.Reason) *problem {
	p := &problem{kind: kindRefused, status: statusOf(why.Code), code: why.Code, detail: why.Description}
	if p.detail == "" {
		p.detail = why.Code.String()
	}
	if p.status == http.StatusServiceUnavailable || p.status == http.StatusTooManyRequests {
		p.after = time.Second
	}
	return p
}

// statusOf is HTTP's word for a reason code of LIME.
func statusOf(c lime.Code) int {
	switch c {
	case lime.CodeValidationError, lime.CodeValidationEmptyDocument, lime.CodeValidationInvalidResource, lime.CodeValidationInvalidStatus,
		lime.CodeValidationInvalidIdentity, lime.CodeValidationInvalidRecipients, lime.CodeValidationInvalidMethod,
		lime.CodeCommandInvalidArgument:
		return http.StatusBadRequest
	case lime.CodeAuthorizationError, lime.CodeAuthorizationUnauthorizedSender, lime.CodeAuthorizationPermissionRequired:
		return http.StatusForbidden
	case lime.CodeAuthorizationDestinationAccountNotFound, lime.CodeRoutingDestinationNotFound, lime.CodeRoutingGatewayNotFound,
		lime.CodeCommandResourceNotFound, lime.CodeCommandResourceNotSupported, lime.CodeGatewayDestinationNotFound:
		return http.StatusNotFound
	case lime.CodeCommandNotAllowed:
		return http.StatusConflict
	case lime.CodeAuthorizationQuotaThresholdExceeded:
		return http.StatusTooManyRequests
	case lime.CodeSessionError, lime.CodeDispatchError, lime.CodeCommandProcessingError: // the last is what routers cannot do, mostly without JetStream
		return http.StatusServiceUnavailable
	}
	return http.StatusUnprocessableEntity
}
