package api

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// authenticate returns whose request it is, and the text of that key.
func (s *Server) authenticate(r *http.Request) (k Key, secret string, p *problem) {
	unknown := &problem{kind: kindUnknownKey, status: http.StatusUnauthorized, detail: "The request needs Authorization: Bearer and a key that counts"}
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if secret = strings.TrimSpace(text); !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return Key{}, "", unknown
	}
	k, ok, err := s.cfg.Keys.Verify(secret)
	switch {
	case err != nil:
		return Key{}, "", unavailable("Keys cannot be looked up yet")
	case !ok:
		return Key{}, "", unknown
	}
	return k, secret, nil
}

// admit authenticates a request, and counts it.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, scope Scope) (k Key, secret string, p *problem) {
	if k, secret, p = s.authenticate(r); p != nil {
		return k, secret, p
	}
	if p := s.rates.take(k.ID, 1, w.Header()); p != nil {
		return k, secret, p
	}
	if scope != "" && !k.May(scope) {
		return k, secret, forbidden("The key has not the scope %s", scope)
	}
	return k, secret, nil
}

// serveOperation answers requests to an operation.
func (s *Server) serveOperation(o operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k, secret, p := s.admit(w, r, o.scope)
		if p != nil {
			s.write(w, p.reply())
			return
		}
		c := &call{request: r, key: k, secret: secret}
		if c.body, p = s.read(w, r); p != nil {
			s.write(w, p.reply())
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.timeout())
		defer cancel()
		s.write(w, s.once(ctx, c, func(ctx context.Context) reply { return s.perform(ctx, o, c) }))
	})
}

// timeout bounds what is done for one request.
func (s *Server) timeout() time.Duration { return s.cfg.BodyTimeout + s.cfg.MaxWait }

// perform does an operation.
func (s *Server) perform(ctx context.Context, o operation, c *call) reply {
	r, err := o.do(ctx, c)
	if err != nil {
		return s.failed(c, err)
	}
	return r
}

// read reads a body, which is JSON when there is one.
func (s *Server) read(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(s.cfg.MaxBody)))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, &problem{kind: kindTooLarge, status: http.StatusRequestEntityTooLarge, detail: "The body is too long"}
	}
	if err != nil {
		return nil, &problem{kind: kindTimeout, status: http.StatusRequestTimeout, detail: "The body did not come whole in time"}
	}
	if len(b) > 0 {
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != typeJSON {
			return nil, &problem{kind: kindMediaType, status: http.StatusUnsupportedMediaType, detail: "A body is application/json"}
		}
	}
	return b, nil
}

// serveMounted lets requests through to a handler of somebody else.
func (s *Server) serveMounted(m Mounted) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k, _, p := s.admit(w, r, m.Scope)
		if p != nil {
			s.write(w, p.reply())
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, int64(s.cfg.MaxBody))
		m.Handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, k)))
	})
}
